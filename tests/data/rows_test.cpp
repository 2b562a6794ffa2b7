#include "onecycle/loader.h"

#include "data_test_support.h"

#include <limits>
#include <tuple>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace onecycle {
namespace {

ImageSet pictures(std::int64_t n) {
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(3);
  return {at::randint(0, 256, {n, 3, 16, 12}, generator, at::kByte), at::arange(n, at::kLong)};
}

// Every augmentation together, in each type, layout and kind of mean.
std::vector<LoaderOptions> all_options(const ImageSet& set) {
  std::vector<LoaderOptions> all;
  for (const auto dtype : {at::kFloat, at::kBFloat16, at::kDouble})
    for (const auto layout : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast})
      for (const bool caffe : {false, true}) {
        LoaderOptions options;
        options.dtype = dtype;
        options.memory_format = layout;
        options.batch_size = 512;
        options.mean = caffe ? mean_image(set.images) : std::vector<double>{.3, .5, .2};
        options.std = caffe ? std::vector<double>(3, 1.0 / 255) : std::vector<double>{.2, .3, .4};
        options.augment = {2, true, 4, .4};
        options.seed = 4;
        all.push_back(options);
      }
  return all;
}

void expect_equal(const Batch& a, const Batch& b) {
  EXPECT_TRUE(a.inputs.equal(b.inputs));
  EXPECT_TRUE(a.targets.equal(b.targets));
  EXPECT_TRUE(a.mix->targets.equal(b.mix->targets));
  EXPECT_TRUE(a.mix->weight.equal(b.mix->weight));
  EXPECT_EQ(a.valid, b.valid);
}

Batch rows_of(const Batch& batch, std::int64_t first, std::int64_t count) {
  const auto part = [&](const at::Tensor& rows) { return rows.narrow(0, first, count); };
  return {part(batch.inputs), part(batch.targets),
          Mix{part(batch.mix->targets), part(batch.mix->weight)}, count};
}

TEST(TrainRows, ThreadsDoNotMatter) {
  const ImageSet set = pictures(600);
  const int before = at::get_num_threads();
  for (const LoaderOptions& options : all_options(set)) {
    at::set_num_threads(1);
    const Batch alone = Loader(set, options).train_batch(1, 0);
    at::set_num_threads(4);
    expect_equal(Loader(set, options).train_batch(1, 0), alone);
  }
  at::set_num_threads(before);
}

TEST(TrainRows, MicroBatchesAreTheBatch) {
  const ImageSet set = pictures(600);
  for (const LoaderOptions& options : all_options(set)) {
    const Batch whole = Loader(set, options).train_batch(2, 0);
    Loader parts(set, options);
    for (const std::int64_t first : {384, 0, 256, 128})  // in any order
      expect_equal(parts.train_rows(2, first, 128), rows_of(whole, first, 128));
    parts.train_rows(3, 0, 7);
    expect_equal(parts.train_rows(2, 500, 12), rows_of(whole, 500, 12));
    LoaderOptions smaller = options;
    smaller.batch_size = 64;
    expect_equal(Loader(set, smaller).train_batch(2, 5), rows_of(whole, 320, 64));
  }
}

TEST(TrainRows, ReachTheWholeSet) {
  const ImageSet set = pictures(10);
  LoaderOptions options = all_options(set).front();
  options.batch_size = 4;
  Loader loader(set, options);
  const at::Tensor labels = loader.train_rows(0, 0, 10).targets;
  EXPECT_TRUE(std::get<0>(labels.sort()).equal(set.labels));
  EXPECT_TRUE(loader.train_rows(0, 8, 2).targets.equal(labels.narrow(0, 8, 2)));
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  for (const auto& [first, count] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {8, 3}, {-1, 2}, {0, 0}, {0, -1}, {10, 1}, {5, kMost}, {kMost, 1}})
    EXPECT_THROW(loader.train_rows(0, first, count), Error) << first << " " << count;
}

}  // namespace
}  // namespace onecycle
