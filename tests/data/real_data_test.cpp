#include "data_test_support.h"
#include "support/places.h"
#include "yaml/yaml.h"

#include <cstdlib>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

DataOptions options_for(const std::string& name) {
  DataOptions options;
  options.name = name;
  options.validation = 0;
  return options;
}

DatasetDescriptor descriptor_of(const DataOptions& options) {
  return find_descriptor(options, {source_dir() + "/datasets"});
}

bool all_there(const DataOptions& options) {
  for (const FileCheck& check : verify_data(options, descriptor_of(options)))
    if (check.status == FileCheck::Status::missing) return false;
  return true;
}

std::vector<std::int64_t> first_labels(const ImageSet& set) {
  const auto* labels = set.labels.const_data_ptr<std::int64_t>();
  return {labels, labels + 10};
}

void expect_near(const std::vector<double>& got, const std::vector<double>& want, double by) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], want[i], by);
}

// Labels, mean and std from numpy on the same files.
TEST(RealData, FashionMnist) {
  DataOptions options = options_for("fashion-mnist");
  if (!all_there(options)) GTEST_SKIP() << "Fashion-MNIST is not installed";
  const DatasetDescriptor descriptor = descriptor_of(options);
  for (const FileCheck& check : verify_data(options, descriptor))
    EXPECT_EQ(check.status, FileCheck::Status::ok) << check.path;

  const DataSet data = load_data(options, descriptor);
  EXPECT_EQ(data.train.images.sizes(), at::IntArrayRef({60000, 1, 28, 28}));
  EXPECT_EQ(data.test.images.sizes(), at::IntArrayRef({10000, 1, 28, 28}));
  EXPECT_EQ(first_labels(data.train), (std::vector<std::int64_t>{9, 0, 0, 3, 0, 2, 7, 2, 5, 5}));
  EXPECT_EQ(first_labels(data.test), (std::vector<std::int64_t>{9, 2, 1, 1, 6, 1, 4, 6, 5, 7}));
  const ChannelStatistics measured = channel_statistics(data.train.images);
  expect_near(measured.mean, {0.2860405969887955}, 1e-12);
  expect_near(measured.std, {0.35302424451492254}, 1e-12);
  expect_near(measured.mean, data.mean, 1e-12);
  expect_near(measured.std, data.std, 1e-12);
  EXPECT_EQ(describe_data(data).splits[0].per_class, std::vector<std::int64_t>(10, 6000));
}

// ONECYCLE_CIFAR10_DIR: the folder with data_batch_1.bin …, or the one above it.
TEST(RealData, Cifar10) {
  const char* folder = std::getenv("ONECYCLE_CIFAR10_DIR");
  DataOptions options = options_for("cifar10");
  if (folder != nullptr) options.dir = folder;
  if (!all_there(options)) GTEST_SKIP() << "CIFAR-10 is not here; ONECYCLE_CIFAR10_DIR may name it";
  const DatasetDescriptor descriptor = descriptor_of(options);
  for (const FileCheck& check : verify_data(options, descriptor))
    EXPECT_EQ(check.status, FileCheck::Status::ok) << check.path;

  const DataSet data = load_data(options, descriptor);
  EXPECT_EQ(data.train.images.sizes(), at::IntArrayRef({50000, 3, 32, 32}));
  EXPECT_EQ(data.test.images.sizes(), at::IntArrayRef({10000, 3, 32, 32}));
  const ChannelStatistics measured = channel_statistics(data.train.images);
  expect_near(measured.mean, {.49139968, .48215841, .44653091}, 5e-9);
  expect_near(measured.std, {.24703223, .24348513, .26158784}, 5e-9);
  EXPECT_EQ(describe_data(data).splits[0].per_class, std::vector<std::int64_t>(10, 5000));
  EXPECT_EQ(describe_data(data).splits[1].per_class, std::vector<std::int64_t>(10, 1000));
}

}  // namespace
}  // namespace onecycle
