#include "onecycle/loader.h"

#include "data_test_support.h"

#include <ATen/ATen.h>

namespace onecycle {
namespace {

LoaderOptions options_of(const DataSet& data) {
  LoaderOptions options;
  options.batch_size = data.train.size();
  options.mean = data.mean;
  options.std = data.std;
  return options;
}

class Caffe : public testing::Test {
 protected:
  Caffe() {
    write_small_idx(folder);
    descriptor = idx_descriptor(folder);
    descriptor.mean = {0.5};  // of no account
    descriptor.std = {0.5};
    options.normalise = Normalise::caffe;
    options.validation = 0;
  }

  TemporaryFolder folder;
  DataOptions options;
  DatasetDescriptor descriptor;
};

// Image n has the pixels 6n to 6n + 5; the mean of 12 is 33 to 38.
TEST_F(Caffe, SubtractsTheMeanImageFromRawPixels) {
  const DataSet data = load_data(options, descriptor);
  ASSERT_EQ(data.mean.size(), 6u);
  for (std::size_t i = 0; i < 6; ++i)
    EXPECT_NEAR(data.mean[i] * 255, 33 + static_cast<double>(i), 1e-13);
  EXPECT_EQ(data.std, std::vector<double>{1.0 / 255});
  Loader loader(data.train, options_of(data));
  const at::Tensor want = (at::arange(12, at::kFloat) * 6 - 33).view({12, 1, 1, 1});
  EXPECT_TRUE(loader.evaluation_batch(0).inputs.equal(want.expand({12, 1, 2, 3})));
}

// The mean is of the samples trained on, and the test part uses the same.
TEST_F(Caffe, MeasuresTheSamplesTrainedOn) {
  options.validation = 3;
  options.limit = 5;
  const DataSet data = load_data(options, descriptor);
  ASSERT_EQ(data.train.size(), 5);
  const at::Tensor mean = data.train.images.to(at::kDouble).mean(0).flatten();
  for (std::int64_t i = 0; i < 6; ++i)
    EXPECT_NEAR(data.mean.at(static_cast<std::size_t>(i)) * 255, mean[i].item<double>(), 1e-13);
  LoaderOptions loading = options_of(data);
  loading.batch_size = 3;
  const at::Tensor images = Loader(data.test, loading).evaluation_batch(0).inputs;
  const at::Tensor want = data.test.images.to(at::kDouble) - mean.view({1, 1, 2, 3});
  EXPECT_TRUE(at::allclose(images.to(at::kDouble), want, 0, 1e-5));
  EXPECT_EQ(describe_data(data).splits.at(0).statistics.mean.size(), 1u);
}

TEST_F(Caffe, Float32PixelsCountAs0To1) {
  DataSet data = load_data(options, descriptor);
  const at::Tensor bytes = Loader(data.train, options_of(data)).evaluation_batch(0).inputs;
  data.train.images = data.train.images.to(at::kFloat) / 255;
  data.mean = mean_image(data.train.images);
  const at::Tensor floats = Loader(data.train, options_of(data)).evaluation_batch(0).inputs;
  EXPECT_TRUE(at::allclose(floats, bytes, 0, 1e-4));
}

TEST_F(Caffe, MeanOfOtherSize) {
  const DataSet data = load_data(options, descriptor);
  LoaderOptions loading = options_of(data);
  loading.mean.pop_back();
  EXPECT_THROW(Loader(data.train, loading), DataError);
}

// The mean is taken where the pixel comes from; beside the source and under cutout all is 0. Pixels
// of 1 to 144 and a mean image of -1 to -144 tell each output where it comes from.
TEST_F(Caffe, TheMeanMovesWithItsPixel) {
  const at::Tensor picture = at::arange(1, 145, at::kByte).view({1, 1, 12, 12});
  const ImageSet set{picture.expand({50, 1, 12, 12}).contiguous(), at::arange(50, at::kLong)};
  LoaderOptions loading;
  loading.batch_size = 50;
  for (int i = 1; i <= 144; ++i) loading.mean.push_back(-i / 255.0);
  loading.std = {1.0 / 255};
  loading.augment = {3, true, 4};
  const at::Tensor moved = Loader(set, loading).train_batch(0, 0).inputs;
  loading.mean = {0};
  const at::Tensor plain = Loader(set, loading).train_batch(0, 0).inputs;
  EXPECT_TRUE(at::allclose(moved, 2 * plain, 0, 1e-4));
  EXPECT_TRUE(moved.eq(0).equal(plain.eq(0)));
  EXPECT_GT(moved.eq(0).sum().item<std::int64_t>(), 50 * 16);
}

TEST(MeanImage, IsExactPerPixelAndChannel) {
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(3);
  const at::Tensor images = at::randint(0, 256, {101, 3, 4, 5}, generator, at::kByte);
  const at::Tensor sums = images.to(at::kLong).sum(0).flatten();
  const std::vector<double> mean = mean_image(images);
  ASSERT_EQ(mean.size(), 60u);
  for (std::int64_t i = 0; i < 60; ++i)
    EXPECT_EQ(mean[static_cast<std::size_t>(i)],
              static_cast<double>(sums[i].item<std::int64_t>()) / 101 / 255);
}

}  // namespace
}  // namespace onecycle
