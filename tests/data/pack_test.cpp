#include "onecycle/pack.h"

#include "data_test_support.h"
#include "formats/safetensors/safetensors.h"

#include <filesystem>
#include <limits>
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

TEST_F(PackedFiles, TellThatTheyAreBeingWritten) {
  const TemporaryFolder other;
  std::vector<std::int64_t> told;
  LoadWatch watch;
  watch.progress = [&](const std::string& what, std::int64_t done, std::int64_t total) {
    EXPECT_EQ(what, "writing " + (other / "x.packed"));
    EXPECT_EQ(total, 15);
    told.push_back(done);
  };
  pack_data(options, descriptor, other / "x.packed", builtin_formats(), watch);
  EXPECT_EQ(told, (std::vector<std::int64_t>{0, 15}));
}

TEST_F(PackedFiles, HoldTheSameSamples) {
  const DataSet before = load_data(options, descriptor);
  const TemporaryFolder other;
  const PackSummary summary = pack_data(options, descriptor, other / "x.packed");
  EXPECT_EQ(summary.train, 12);
  EXPECT_EQ(summary.test, 3);
  EXPECT_EQ(summary.bytes, 15 * 6);
  DatasetDescriptor packed;
  packed.name = "mine";
  packed.format = chosen(builtin_formats(), "packed", "file: x.packed");
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

// Files that no `onecycle data pack` wrote.
struct StrangersPackedFile : testing::Test {
  StrangersPackedFile() {
    descriptor.name = "theirs";
    descriptor.format = chosen(builtin_formats(), "packed", "file: x.packed");
    descriptor.folders = {folder.path()};
    options.normalise = Normalise::none;
    options.validation = 1;
  }

  // Four samples of 1x2x2 in both splits; `kind`: U8 or F32.
  void write(const std::string& kind, const void* pixels, const std::vector<std::int64_t>& labels,
             const std::string& classes = "[]",
             const std::vector<std::int64_t>& shape = {4, 1, 2, 2}) const {
    const std::uint64_t size = 16 * element_bytes(kind);
    const std::vector<std::int64_t> count = {4};
    std::vector<StoredTensor> tensors;
    for (const std::string part : {"train", "test"}) {
      tensors.push_back({part + ".labels", "I64", count, labels.data(), 32});
      tensors.push_back({part + ".images", kind, shape, pixels, size});
    }
    write_safetensors(folder / "x.packed", tensors, {{"classes", classes}});
  }

  const std::vector<std::uint8_t> bytes = counting(16);
  TemporaryFolder folder;
  DataOptions options;
  DatasetDescriptor descriptor;
};

TEST_F(StrangersPackedFile, LabelsAreBounded) {
  write("U8", bytes.data(), {0, 1, 2, 3});
  EXPECT_EQ(load_data(options, descriptor).classes, (std::vector<std::string>{"0", "1", "2", "3"}));
  write("U8", bytes.data(), {0, 65535, 2, 3});
  EXPECT_EQ(load_data(options, descriptor).classes.size(), 65536u);
  for (const std::int64_t label : {std::int64_t{1} << 62, std::int64_t{65536}, std::int64_t{-1}}) {
    write("U8", bytes.data(), {0, 1, label, 3});
    EXPECT_THAT(
        data_error(options, descriptor),
        testing::AllOf(HasSubstr("x.packed"),
                       HasSubstr("sample 2 (counted from 0) has label " + std::to_string(label))));
  }
}

TEST_F(StrangersPackedFile, PixelsAreNumbers) {
  std::vector<float> floats(16, 0.5f);
  write("F32", floats.data(), {0, 1, 2, 3});
  EXPECT_EQ(load_data(options, descriptor).test.images.sum().item<float>(), 8);
  for (const float wrong :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    floats[9] = wrong;
    write("F32", floats.data(), {0, 1, 2, 3});
    EXPECT_THAT(data_error(options, descriptor),
                testing::AllOf(HasSubstr("x.packed: sample 2"), HasSubstr("train.images holds ")));
  }
}

TEST_F(StrangersPackedFile, ShapesAndNamesAreSound) {
  write("U8", bytes.data(), {0, 1, 2, 3}, R"(["a","b\u0000c","d","e"])");
  EXPECT_THAT(data_error(options, descriptor), HasSubstr("name 1 (counted from 0) of its classes"));
  write_safetensors(folder / "x.packed",
                    {{"train.images", "U8", {4, 0, 2, 2}, bytes.data(), 0},
                     {"train.labels", "I64", {4}, bytes.data(), 32}},
                    {{"classes", "[]"}});
  EXPECT_THAT(data_error(options, descriptor), HasSubstr("holds no train.images"));
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
  struct NoOptions {};
  formats.add(OptionTable<NoOptions>("large", ""),
              [](const NoOptions&) { return std::make_unique<LargeFormat>(); });
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
