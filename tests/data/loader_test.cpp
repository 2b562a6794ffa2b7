#include "onecycle/loader.h"

#include "data_test_support.h"
#include "kernels/batch/gather.h"

#include <algorithm>
#include <numeric>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace onecycle {
namespace {

using Order = std::vector<std::int64_t>;

// Computed by random_golden.py.
TEST(EpochOrder, KnownOrders) {
  EXPECT_EQ(epoch_order(0, 0, 10), (Order{1, 0, 9, 5, 4, 2, 3, 8, 7, 6}));
  EXPECT_EQ(epoch_order(7, 3, 10), (Order{6, 3, 5, 9, 1, 4, 0, 7, 2, 8}));
  const Order large = epoch_order((std::uint64_t{1} << 63) + 5, 2, 60000);
  EXPECT_EQ(Order(large.begin(), large.begin() + 4), (Order{58003, 10320, 40429, 14409}));
  EXPECT_EQ(Order(large.end() - 4, large.end()), (Order{18176, 52375, 47941, 53401}));
}

TEST(EpochOrder, IsAPermutation) {
  for (const std::int64_t n : {0, 1, 2, 3, 1000}) {
    Order order = epoch_order(1, 0, n), all(static_cast<std::size_t>(n));
    std::iota(all.begin(), all.end(), 0);
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, all);
  }
}

TEST(EpochOrder, DependsOnSeedAndEpochAlone) {
  EXPECT_EQ(epoch_order(1, 5, 1000), epoch_order(1, 5, 1000));
  EXPECT_NE(epoch_order(1, 5, 1000), epoch_order(1, 6, 1000));
  EXPECT_NE(epoch_order(1, 5, 1000), epoch_order(2, 5, 1000));
}

// Where sample 0 lands is uniform over the positions.
TEST(EpochOrder, PutsASampleEverywhere) {
  constexpr std::int64_t kEpochs = 20000;
  std::vector<int> counts(10);
  for (std::int64_t epoch = 0; epoch < kEpochs; ++epoch) {
    const Order order = epoch_order(9, epoch, 10);
    ++counts[static_cast<std::size_t>(std::find(order.begin(), order.end(), 0) - order.begin())];
  }
  for (const int count : counts) EXPECT_NEAR(count, kEpochs / 10, 5 * 42);
}

// ---- Loader ------------------------------------------------------------------------------------

// Sample i is all of pixel i, label i.
ImageSet numbered(std::int64_t n, std::int64_t channels = 1) {
  const at::Tensor numbers = at::arange(n, at::kLong);
  return {numbers.to(at::kByte).view({n, 1, 1, 1}).expand({n, channels, 4, 5}).contiguous(),
          numbers};
}

ImageSet pictures(std::int64_t n, std::int64_t channels) {
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(3);
  return {at::randint(0, 256, {n, channels, 16, 12}, generator, at::kByte),
          at::arange(n, at::kLong) % 10};
}

LoaderOptions plain_options(std::int64_t batch_size, std::size_t channels = 1) {
  LoaderOptions options;
  options.batch_size = batch_size;
  options.mean.assign(channels, 0);
  options.std.assign(channels, 1.0 / 255);  // batches hold the pixels themselves
  options.seed = 4;
  return options;
}

TEST(Loader, AnEpochVisitsItsOrderAndDropsTheRemainder) {
  Loader loader(numbered(103), plain_options(20));
  ASSERT_EQ(loader.train_batches(), 5);
  for (const std::int64_t epoch : {2, 0, 3}) {
    const Order order = epoch_order(4, epoch, 103);
    for (std::int64_t b = 0; b < 5; ++b) {
      const Batch batch = loader.train_batch(epoch, b);
      EXPECT_EQ(batch.valid, 20);
      EXPECT_EQ(batch.inputs.sizes(), at::IntArrayRef({20, 1, 4, 5}));
      const auto* labels = batch.targets.const_data_ptr<std::int64_t>();
      EXPECT_EQ(Order(labels, labels + 20),
                Order(order.begin() + b * 20, order.begin() + (b + 1) * 20));
      const at::Tensor corner = batch.inputs.select(1, 0).select(1, 3).select(1, 4);
      EXPECT_TRUE(at::allclose(corner, batch.targets.to(at::kFloat), 0, 1e-4));
    }
  }
}

TEST(Loader, EvaluationCountsEverySampleOnce) {
  for (const std::int64_t n : {1, 19, 20, 21, 103}) {
    Loader loader(numbered(n), plain_options(20));
    Order seen;
    std::int64_t valid = 0;
    for (std::int64_t b = 0; b < loader.evaluation_batches(); ++b) {
      const Batch batch = loader.evaluation_batch(b);
      ASSERT_EQ(batch.inputs.size(0), 20);
      valid += batch.valid;
      for (std::int64_t i = 0; i < 20; ++i) {
        const auto label = batch.targets[i].item<std::int64_t>();
        EXPECT_EQ(label >= 0, i < batch.valid);
        if (label >= 0) seen.push_back(label);
      }
    }
    Order all(static_cast<std::size_t>(n));
    std::iota(all.begin(), all.end(), 0);
    EXPECT_EQ(seen, all);
    EXPECT_EQ(valid, n);
  }
}

LoaderOptions augmented_options() {
  LoaderOptions options = plain_options(16, 3);
  options.augment = {2, true, 4};
  return options;
}

// Sample i is a ramp: what the loader asks of the kernel shows in a row.
TEST(Loader, ReflectsAndAlternates) {
  constexpr std::int64_t kSamples = 40;
  ImageSet set;
  set.images = at::arange(5, at::kByte).view({1, 1, 1, 5}).expand({kSamples, 1, 5, 5}).contiguous();
  set.labels = at::arange(kSamples, at::kLong);
  LoaderOptions options = plain_options(kSamples);
  options.augment.flip = options.augment.flip_alternates = true;
  Loader loader(set, options);
  const auto rises = [&](std::int64_t epoch) {
    const Batch batch = loader.train_batch(epoch, 0);
    const at::Tensor rising = batch.inputs.select(3, 4).gt(batch.inputs.select(3, 0));
    return rising.select(2, 0).flatten().index_select(0, batch.targets.argsort());
  };
  EXPECT_TRUE(rises(2).equal(rises(0)));
  EXPECT_TRUE(rises(1).equal(rises(0).logical_not()));
  EXPECT_TRUE(rises(0).any().item<bool>());
  EXPECT_FALSE(rises(0).all().item<bool>());

  options.augment = {};
  options.augment.pad_crop = 4;
  options.augment.pad_reflects = true;
  const at::Tensor columns = at::tensor({4, 3, 2, 1, 0, 1, 2, 3, 4, 3, 2, 1, 0}, at::kFloat);
  const at::Tensor rows = Loader(set, options).train_batch(0, 0).inputs.select(2, 3).squeeze(1);
  for (const at::Tensor& row : rows.unbind()) {
    bool found = false;
    for (std::int64_t shift = 0; shift < 9; ++shift)
      found = found || row.allclose(columns.narrow(0, shift, 5), 0, 1e-4);
    EXPECT_TRUE(found) << row;
  }
  options.augment.pad_crop = 5;
  EXPECT_THROW(Loader(set, options), FieldError);
}

TEST(Loader, BatchesDoNotDependOnTheOrderOfAsking) {
  const ImageSet set = pictures(64, 3);
  Loader forwards(set, augmented_options()), backwards(set, augmented_options());
  const Batch first = forwards.train_batch(0, 0);
  const Batch second = forwards.train_batch(0, 1);
  forwards.train_batch(1, 0);
  EXPECT_TRUE(backwards.train_batch(0, 1).inputs.equal(second.inputs));
  EXPECT_TRUE(backwards.train_batch(0, 0).inputs.equal(first.inputs));
  EXPECT_TRUE(forwards.train_batch(0, 0).inputs.equal(first.inputs));
  EXPECT_FALSE(forwards.train_batch(1, 0).inputs.equal(first.inputs));
}

// The same sample gets the same augmentation at any batch size, so at any number of devices.
TEST(Loader, AugmentationBelongsToTheSample) {
  const ImageSet set = pictures(64, 3);
  LoaderOptions small = augmented_options();
  small.batch_size = 4;
  Loader whole(set, augmented_options()), parts(set, small);
  const at::Tensor batch = whole.train_batch(3, 1).inputs;
  for (std::int64_t i = 0; i < 4; ++i)
    EXPECT_TRUE(parts.train_batch(3, 4 + i).inputs.equal(batch.narrow(0, 4 * i, 4)));
}

TEST(Loader, EvaluationIsNotAugmented) {
  const ImageSet set = pictures(32, 3);
  Loader augmented(set, augmented_options()), plain(set, plain_options(16, 3));
  EXPECT_TRUE(augmented.evaluation_batch(1).inputs.equal(plain.evaluation_batch(1).inputs));
  EXPECT_FALSE(augmented.train_batch(0, 0).inputs.equal(plain.train_batch(0, 0).inputs));
}

TEST(Loader, ThreadsDoNotMatter) {
  const ImageSet set = pictures(600, 3);
  LoaderOptions options = augmented_options();
  options.batch_size = 512;
  const int before = at::get_num_threads();
  std::vector<at::Tensor> images;
  for (const int threads : {1, 2}) {
    at::set_num_threads(threads);
    images.push_back(Loader(set, options).train_batch(1, 0).inputs);
  }
  at::set_num_threads(before);
  EXPECT_TRUE(images[0].equal(images[1]));
}

TEST(Loader, GivesTypeAndLayoutAsAsked) {
  LoaderOptions options = plain_options(8, 3);
  options.dtype = at::kBFloat16;
  options.memory_format = at::MemoryFormat::ChannelsLast;
  Loader loader(pictures(32, 3), options);
  const Batch batch = loader.train_batch(0, 0);
  EXPECT_EQ(batch.inputs.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(batch.inputs.is_contiguous(at::MemoryFormat::ChannelsLast));
  Loader reference(pictures(32, 3), plain_options(8, 3));
  EXPECT_TRUE(batch.inputs.equal(reference.train_batch(0, 0).inputs.to(at::kBFloat16)));
}

TEST(Loader, BatchesKeepTheirValues) {
  Loader loader(numbered(40), plain_options(10));
  const Batch first = loader.train_batch(0, 0);
  const at::Tensor copy = first.inputs.clone();
  for (std::int64_t b = 1; b < 4; ++b) loader.train_batch(0, b);
  EXPECT_TRUE(first.inputs.equal(copy));
}

TEST(Loader, NormalisesByMeanAndStd) {
  LoaderOptions options = plain_options(4);
  options.mean = {0.25};
  options.std = {0.5};
  Loader loader(numbered(4), options);
  EXPECT_FLOAT_EQ(loader.evaluation_batch(0).inputs[3][0][0][0].item<float>(),
                  static_cast<float>((3 / 255.0 - 0.25) / 0.5));
}

// Targets [N,2] that hold a sample's number and its square: each row has those of its picture.
TEST(Loader, GivesTargetsThatAreNoClasses) {
  ImageSet set = numbered(23);
  const at::Tensor numbers = set.labels.to(at::kDouble);
  set.labels = at::stack({numbers, numbers.square()}, 1);
  LoaderOptions options = plain_options(5);
  options.augment.mixup = .4;
  Loader loader(set, options);
  Loader of_classes(numbered(23), options);
  for (std::int64_t b = 0; b < 4; ++b) {
    const Batch batch = loader.train_batch(3, b), want = of_classes.train_batch(3, b);
    EXPECT_EQ(batch.targets.scalar_type(), at::kFloat);
    EXPECT_EQ(batch.targets.sizes(), at::IntArrayRef({5, 2}));
    EXPECT_TRUE(batch.inputs.equal(want.inputs));
    EXPECT_TRUE(batch.mix->weight.equal(want.mix->weight));
    EXPECT_TRUE(batch.targets.select(1, 0).equal(want.targets.to(at::kFloat)));
    EXPECT_TRUE(batch.mix->targets.select(1, 1).equal(want.mix->targets.square().to(at::kFloat)));
  }
  const Batch last = loader.evaluation_batch(4);  // 20, 21, 22 and padding
  EXPECT_EQ(last.valid, 3);
  EXPECT_EQ(last.targets.size(0), 5);
  EXPECT_TRUE(last.targets.narrow(0, 0, 3).equal(
      at::tensor({20., 400., 21., 441., 22., 484.}, at::kFloat).view({3, 2})));
}

TEST(Loader, TargetsHaveTheTypeThatIsComputedIn) {
  ImageSet set = numbered(4);
  set.labels = set.labels.to(at::kDouble).div(3).unsqueeze(1);
  Loader values(set, plain_options(4));
  const auto targets_in = [&](at::ScalarType dtype) {
    values.set_format({at::kCPU, dtype, at::MemoryFormat::Contiguous});
    return values.evaluation_batch(0).targets;
  };
  EXPECT_TRUE(targets_in(at::kDouble).equal(set.labels));
  EXPECT_TRUE(targets_in(at::kBFloat16).equal(set.labels.to(at::kFloat)));
  set.labels = at::tensor({0, 1, 1, 0, 1, 1, 0, 0}, at::kByte).view({4, 2});
  EXPECT_TRUE(Loader(set, plain_options(4)).evaluation_batch(0).targets.equal(set.labels));
}

TEST(Loader, EmptySet) {
  const ImageSet none{at::empty({0, 1, 4, 5}, at::kByte), at::empty({0}, at::kLong)};
  EXPECT_THROW(Loader(none, plain_options(1)), DataError);
}

TEST(Loader, BatchThatIsNotThere) {
  Loader loader(numbered(10), plain_options(4));
  EXPECT_THROW(loader.train_batch(0, 2), Error);
  EXPECT_THROW(loader.evaluation_batch(3), Error);
}

TEST(Loader, CudaEqualsCpu) {
  if (!kernels::has_cuda_kernels()) GTEST_SKIP() << "this build has no CUDA kernels";
  if (!at::hasCUDA()) GTEST_SKIP() << "no GPU";
  const ImageSet set = pictures(64, 3);
  LoaderOptions options = augmented_options();
  options.mean = mean_image(set.images);
  options.augment.mixup = .4;
  Loader cpu(set, options);
  options.device = at::Device(at::kCUDA, 0);
  Loader gpu(set, options);
  for (std::int64_t b = 0; b < 4; ++b) {
    const Batch batch = gpu.train_batch(1, b), want = cpu.train_batch(1, b);
    EXPECT_TRUE(batch.inputs.cpu().equal(want.inputs));
    EXPECT_TRUE(batch.mix->targets.cpu().equal(want.mix->targets));
    EXPECT_TRUE(batch.mix->weight.cpu().equal(want.mix->weight));
    EXPECT_TRUE(gpu.evaluation_batch(b).targets.cpu().equal(cpu.evaluation_batch(b).targets));
  }
}

}  // namespace
}  // namespace onecycle
