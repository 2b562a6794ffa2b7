// data.resize: the images of a batch at another size.

#include "data/images/resize.h"

#include "onecycle/loader.h"

#include "data_test_support.h"

#include <ATen/ATen.h>

namespace onecycle {
namespace {

using testing::HasSubstr;

// torch.nn.functional.interpolate(x, size, mode="bilinear", align_corners=False), torch 2.11, for
// torchvision's sizes; antialias=True in the last.
TEST(Resize, GivesTorchsNumbers) {
  const at::Tensor squares = at::arange(6, at::kFloat).square().view({1, 1, 2, 3});
  EXPECT_TRUE(
      at::allclose(resized(squares, 4).flatten(),
                   at::tensor({0.F,     .25F,   .75F,   1.75F,  3.25F,  4.F,    2.25F,   2.875F,
                               4.125F,  5.875F, 8.125F, 9.25F,  6.75F,  8.125F, 10.875F, 14.125F,
                               17.875F, 19.75F, 9.F,    10.75F, 14.25F, 18.25F, 22.75F,  25.F}),
                   1e-6));
  const at::Tensor bytes = at::tensor({0, 255, 51, 102}).to(at::kByte).view({1, 1, 2, 2});
  EXPECT_TRUE(at::allclose(resized(bytes, 3).flatten(),
                           at::tensor({0.F, .5F, 1.F, .1F, .4F, .7F, .2F, .3F, .4F}), 1e-6, 1e-7));
  const at::Tensor mixed = (at::arange(20, at::kFloat) * 37).remainder(101).view({1, 1, 5, 4});
  const at::Tensor smaller = resized(mixed, 2);
  EXPECT_EQ(smaller.sizes(), at::IntArrayRef({1, 1, 2, 2}));
  EXPECT_TRUE(at::allclose(smaller.flatten(),
                           at::tensor({49.162342F, 41.064938F, 55.935062F, 47.837658F}), 1e-5));
}

// torchvision.transforms.Resize(size): the longer side is cut down.
TEST(Resize, SidesAreTorchvisions) {
  EXPECT_EQ(resized_sides({32, 32}, 224), (ImageSides{224, 224}));
  EXPECT_EQ(resized_sides({375, 500}, 256), (ImageSides{256, 341}));
  EXPECT_EQ(resized_sides({5, 4}, 2), (ImageSides{2, 2}));
  EXPECT_EQ(resized_sides({1, 7}, 3), (ImageSides{3, 21}));
}

// ---- In the loader -----------------------------------------------------------------------------

constexpr std::int64_t kSamples = 23;
constexpr std::int64_t kStored = 30;
constexpr std::int64_t kSide = 15;  // of images of 8x6: 20x15

ImageSet small_pictures() {
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(3);
  return {at::randint(0, 256, {kStored, 3, 8, 6}, generator, at::kByte),
          at::arange(kSamples, at::kLong),
          (at::arange(kSamples, at::kLong) * 7).remainder(kStored)};
}

LoaderOptions options_of(const Augment& augment, std::int64_t crop) {
  LoaderOptions options;
  options.batch_size = 10;
  options.mean = {.3, .5, .2};
  options.std = {.2, .3, .4};
  options.augment = augment;
  options.crop = crop;
  options.seed = 4;
  return options;
}

void expect_same(const Batch& a, const Batch& b) {
  EXPECT_EQ(a.valid, b.valid);
  EXPECT_TRUE(a.targets.equal(b.targets));
  EXPECT_TRUE(at::allclose(a.inputs, b.inputs, 1e-5, 1e-6));
  ASSERT_EQ(a.mix.has_value(), b.mix.has_value());
  if (!a.mix) return;
  EXPECT_TRUE(a.mix->targets.equal(b.mix->targets));
  EXPECT_TRUE(a.mix->weight.equal(b.mix->weight));
}

// What a loader makes of a set that ATen resized as a whole.
TEST(Resize, IsDoneBeforeEverythingElse) {
  Augment crops, parts;
  crops.pad_crop = 3;
  crops.flip = true;
  crops.cutout = 5;
  crops.mixup = .4;
  parts.resized_crop = ResizedCrop{};
  parts.jitter = {.4, .4, .4};
  for (const Augment& augment : {Augment{}, crops, parts})
    for (const std::int64_t crop : {0, 11}) {
      LoaderOptions options = options_of(augment, crop);
      const ImageSet stored = small_pictures();
      ImageSet whole = stored;
      whole.images = at::upsample_bilinear2d(stored.images.to(at::kFloat) / 255, {20, 15}, false);
      Loader want(whole, options);
      options.resize = kSide;
      Loader got(stored, options);
      expect_same(got.train_batch(2, 1), want.train_batch(2, 1));
      expect_same(got.train_rows(1, 5, 13), want.train_rows(1, 5, 13));
      expect_same(got.evaluation_batch(2), want.evaluation_batch(2));  // three samples, padded
      expect_same(got.in_order(4, 0, 3), want.in_order(4, 0, 3));
      const at::Tensor some = at::tensor({9, 9, 2}, at::kLong);
      expect_same(got.chosen(some), want.chosen(some));
      const at::Tensor others = stored.images.narrow(0, 0, 4);
      expect_same(got.of_images(others, crop), want.of_images(whole.images.narrow(0, 0, 4), crop));
      EXPECT_EQ(got.evaluation_batch(0).inputs.size(2), crop > 0 ? crop : 20);
    }
}

TEST(Resize, RefusesWhatDoesNotFit) {
  const auto refused = [](LoaderOptions options, const std::string& said) {
    options.resize = kSide;
    EXPECT_THAT([&] { const Loader loader(small_pictures(), options); },
                testing::ThrowsMessage<DataError>(HasSubstr(said)));
  };
  refused(options_of({}, 16), "crop of 16x16");
  LoaderOptions mean_image = options_of({}, 0);
  mean_image.mean.assign(3 * 8 * 6, .5);
  refused(mean_image, "mean image");
}

// ---- In a recipe -------------------------------------------------------------------------------

class ResizedData : public testing::Test {
 protected:
  ResizedData() {
    write_small_idx(folder);
    options.validation = 2;
  }
  DataSet load() { return load_data(options, idx_descriptor(folder)); }

  TemporaryFolder folder;
  DataOptions options;
};

TEST_F(ResizedData, ANetworkSeesItsSize) {
  options.resize = 4;  // of images of 2x3
  EXPECT_EQ(load().sample_shape(), (std::vector<std::int64_t>{1, 4, 6}));
  options.size = 4;
  EXPECT_EQ(load().sample_shape(), (std::vector<std::int64_t>{1, 4, 4}));
  EXPECT_EQ(load().train.images.size(2), 2) << "stored as they were";
  options.size = 5;
  EXPECT_THAT(data_error(options, idx_descriptor(folder)), HasSubstr("4x6 pixels"));
}

TEST_F(ResizedData, TheStoredSizeIsLeftAlone) {
  options.resize = 2;
  EXPECT_EQ(load().resize, 0);
}

}  // namespace
}  // namespace onecycle
