// Where the samples of a run lie: what is chosen, what counts, and that batches do not depend on
// it.

#include "data/sample_place.h"

#include "onecycle/error.h"
#include "onecycle/loader.h"

#include "recipe/data_place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(SamplePlace, IsTheDeviceWhereSamplesFitBesideTheTraining) {
  const auto chosen = [](std::int64_t samples, std::int64_t beside, std::int64_t free) {
    return chosen_place(DataPlace::automatic, {samples, beside, free});
  };
  EXPECT_EQ(chosen(60, 40, 100), DataPlace::device);
  EXPECT_EQ(chosen(61, 40, 100), DataPlace::host);
  EXPECT_EQ(chosen(60, 41, 100), DataPlace::host);
  EXPECT_EQ(chosen(1, 200, 100), DataPlace::host);
  EXPECT_EQ(chosen(std::int64_t{200} << 30, std::int64_t{1} << 30, std::int64_t{139} << 30),
            DataPlace::host);
}

TEST(SamplePlace, IsWhatTheRecipeSays) {
  EXPECT_EQ(chosen_place(DataPlace::device, {100, 0, 1}), DataPlace::device);
  EXPECT_EQ(chosen_place(DataPlace::host, {1, 0, 100}), DataPlace::host);
}

TEST(SamplePlace, LocksEveryPageOnce) {
  EXPECT_THAT(whole_pages({{4100, 8000}}, 4096), ElementsAre(AddressRange{4096, 8192}));
  EXPECT_THAT(whole_pages({{4096, 8192}}, 4096), ElementsAre(AddressRange{4096, 8192}));
  // The second and the third share a page; the first ends where the second's begins.
  EXPECT_THAT(whole_pages({{12289, 12290}, {8192, 12290}, {0, 8192}}, 4096),
              ElementsAre(AddressRange{0, 8192}, AddressRange{8192, 16384}));
  EXPECT_THAT(whole_pages({{0, 100000}, {5000, 6000}}, 4096), ElementsAre(AddressRange{0, 102400}));
}

// Twelve pictures of 4 x 5 pixels, of which `train` has eight by number and `validation` four.
DataSet shared_pictures() {
  DataSet data;
  const at::Tensor images = at::arange(240).view({12, 1, 4, 5}).to(at::kByte);
  const at::Tensor numbers = at::arange(12);
  const ImageSet whole{images, numbers % 3, numbers.flip(0).contiguous()};
  data.train = whole.part(0, 8);
  data.validation = whole.part(8, 4);
  data.test = {at::zeros({2, 1, 4, 5}, at::kByte), at::zeros({2}, at::kLong)};
  data.mean = {.5};
  data.std = {.25};
  return data;
}

TEST(SamplePlace, SharedPicturesCountAndMoveOnce) {
  DataSet data = shared_pictures();
  EXPECT_EQ(image_bytes(data), 240 + 40);
  move_samples(data, at::kMeta);
  EXPECT_TRUE(data.train.images.is_meta());
  EXPECT_TRUE(data.test.labels.is_meta());
  EXPECT_TRUE(data.train.images.is_same(data.validation.images)) << "one copy on the device";
  EXPECT_FALSE(data.train.images.is_same(data.test.images));
}

TEST(SamplePlace, OnTheCpuPicturesStayWhereTheyAre) {
  RecipeRun run;
  run.data = shared_pictures();
  const void* const before = run.data.train.images.const_data_ptr();
  for (const DataPlace place : {DataPlace::automatic, DataPlace::device, DataPlace::host}) {
    run.recipe.data.place = place;
    place_data(run);
    EXPECT_EQ(run.data.train.images.const_data_ptr(), before);
    EXPECT_EQ(run.compute.summary, "");
  }
}

TEST(SamplePlace, HostIsForPictures) {
  RecipeRun run;
  run.data.train = {at::zeros({4, 3}), at::zeros({4}, at::kLong)};
  run.recipe.data.place = DataPlace::host;
  try {
    place_data(run);
    FAIL();
  } catch (const FieldError& error) {
    EXPECT_THAT(error.what(), HasSubstr("host is for pictures"));
  }
}

// ---- On a GPU ----------------------------------------------------------------------------------

TEST(CudaSamplePlace, BatchesAreTheSame) {
  if (!at::hasCUDA()) GTEST_SKIP() << "no GPU";
  const at::Device device(at::kCUDA, 0);
  const DataSet host = shared_pictures();
  LoaderOptions options;
  options.device = device;
  options.batch_size = 4;
  options.mean = host.mean;
  options.std = host.std;
  options.augment.pad_crop = 1;
  options.augment.flip = true;
  DataSet near = host;
  move_samples(near, device);
  for (int times = 0; times < 2; ++times) {  // what was lent can be lent again
    DataSet far = host;
    DataSet too = host;
    lend_samples(far, device);
    lend_samples(too, device);
    far.test = {};
    Loader expected(near.train, options), train(far.train, options), same(too.train, options);
    for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
      const Batch batch = expected.train_batch(epoch, 1);
      EXPECT_TRUE(batch.inputs.equal(train.train_batch(epoch, 1).inputs));
      EXPECT_TRUE(batch.inputs.equal(same.train_batch(epoch, 1).inputs));
      EXPECT_TRUE(batch.targets.equal(train.train_batch(epoch, 1).targets));
    }
  }
}

}  // namespace
}  // namespace onecycle
