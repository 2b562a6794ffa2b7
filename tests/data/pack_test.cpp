#include "onecycle/pack.h"

#include "data_test_support.h"

#include <filesystem>
#include <set>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct PackedFiles : testing::Test {
  PackedFiles() {
    write_small_idx(folder);
    descriptor = idx_descriptor(folder);
    descriptor.classes = {"cat", "dog", "frog"};
  }

  // Loads, and whether the images lie in the map of a packed file.
  bool loads_from(const std::string& path) {
    warnings.clear();
    LoadWatch watch;
    watch.warn = [this](const std::string& line) { warnings.push_back(line); };
    const DataSet data = load_data(options, descriptor, builtin_formats(), watch);
    EXPECT_EQ(data.classes, descriptor.classes);
    return read_bytes("/proc/self/maps").find(path) != std::string::npos && data.test.size() > 0;
  }

  TemporaryFolder folder;
  DataOptions options;
  DatasetDescriptor descriptor;
  std::vector<std::string> warnings;
};

TEST_F(PackedFiles, HoldTheSameSamples) {
  const DataSet before = load_data(options, descriptor);
  const TemporaryFolder other;
  const PackSummary summary = pack_data(options, descriptor, other / "x.packed");
  EXPECT_EQ(summary.train, 12);
  EXPECT_EQ(summary.test, 3);
  EXPECT_EQ(summary.bytes, 15 * 6);
  DatasetDescriptor packed;
  packed.name = "mine";
  packed.format = {"packed", map_of({{"file", Value::scalar("x.packed")}})};
  packed.folders = {other.path()};
  const DataSet after = load_data(options, packed);
  EXPECT_EQ(after.classes, descriptor.classes);
  EXPECT_EQ(after.mean, before.mean);
  for (const auto part : {&DataSet::train, &DataSet::validation, &DataSet::test}) {
    EXPECT_TRUE((after.*part).images.equal((before.*part).images));
    EXPECT_TRUE((after.*part).labels.equal((before.*part).labels));
  }
}

TEST_F(PackedFiles, StandForTheirSourceUntilItChanges) {
  const std::string path = packed_path(options, descriptor);
  EXPECT_EQ(path, folder / "small.packed");
  EXPECT_FALSE(loads_from(path));
  pack_data(options, descriptor, path);
  EXPECT_TRUE(loads_from(path));
  EXPECT_TRUE(warnings.empty());
  folder.write("d", idx(0x08, {3}, {2, 2, 2}));
  EXPECT_FALSE(loads_from(path));
  ASSERT_EQ(warnings.size(), 1);
  EXPECT_THAT(warnings[0], HasSubstr("small.packed is not used: its source has changed since"));
  pack_data(options, descriptor, path);
  EXPECT_TRUE(loads_from(path));
}

TEST_F(PackedFiles, AreVerified) {
  const std::string path = packed_path(options, descriptor);
  pack_data(options, descriptor, path);
  const auto status = [&] { return verify_data(options, descriptor).back().status; };
  EXPECT_EQ(status(), FileCheck::Status::ok);
  std::string bytes = read_bytes(path);
  bytes.back() ^= 1;
  write_bytes(path, bytes);
  EXPECT_EQ(status(), FileCheck::Status::mismatch);
}

TEST_F(PackedFiles, DamagedOnesAreRefused) {
  const std::string path = packed_path(options, descriptor);
  pack_data(options, descriptor, path);
  const std::string whole = read_bytes(path);
  write_bytes(path, whole.substr(0, whole.size() - 1));
  EXPECT_THAT(data_error(options, descriptor), HasSubstr("not a whole safetensors file"));
}

// 300 images of 250,000 float pixels, each of one value: its number.
class LargeFormat : public DatasetFormat {
 public:
  std::vector<std::string> files(Split) const override { return {}; }
  ImageSet read(Split split, const DataFiles&) const override {
    const std::int64_t count = split == Split::train ? 300 : 1;
    const at::Tensor numbers = at::arange(count, at::kFloat).view({count, 1, 1, 1});
    return {numbers.expand({count, 1, 500, 500}).contiguous(), at::zeros({count}, at::kLong)};
  }
};

// Parts of a large split share its images: the same samples, without a copy.
TEST(LargeSplits, AreNotCopied) {
  FormatRegistry formats("data format");
  formats.add(
      {{"large", "", nullptr}, [](const Value&) { return std::make_unique<LargeFormat>(); }});
  DatasetDescriptor descriptor;
  descriptor.format.name = "large";
  DataOptions options;
  options.validation = 100;
  options.limit = 150;
  options.normalise = Normalise::none;
  const DataSet data = load_data(options, descriptor, formats);
  EXPECT_EQ(data.train.size(), 150);
  EXPECT_EQ(data.validation.size(), 100);
  ASSERT_TRUE(data.train.rows.defined());
  EXPECT_EQ(data.train.images.size(0), 300);
  EXPECT_FALSE(data.validation.rows.defined());
  std::set<std::int64_t> held_out, trained_on;
  for (std::int64_t i = 0; i < 100; ++i)
    held_out.insert(data.validation.images[i][0][0][0].item<std::int64_t>());
  for (std::int64_t i = 0; i < 150; ++i) trained_on.insert(data.train.rows[i].item<std::int64_t>());
  EXPECT_EQ(held_out.size(), 100);
  EXPECT_EQ(trained_on.size(), 150);
  for (const std::int64_t row : trained_on) EXPECT_FALSE(held_out.contains(row)) << row;
}

}  // namespace
}  // namespace onecycle
