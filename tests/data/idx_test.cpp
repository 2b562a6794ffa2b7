#include "data_test_support.h"

#include <limits>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class IdxFiles : public testing::Test {
 protected:
  IdxFiles() {
    write_small_idx(folder);
    options.validation = 0;
  }
  DataSet load() const { return load_data(options, idx_descriptor(folder)); }
  std::string error() const { return data_error(options, idx_descriptor(folder)); }

  TemporaryFolder folder;
  DataOptions options;
};

TEST_F(IdxFiles, ReadsImagesAndLabels) {
  const DataSet data = load();
  EXPECT_EQ(data.train.images.sizes(), at::IntArrayRef({12, 1, 2, 3}));
  EXPECT_TRUE(data.train.images.flatten().equal(at::arange(72, at::kByte)));
  EXPECT_EQ(data.train.labels.scalar_type(), at::kLong);
  EXPECT_TRUE(data.test.images.flatten().equal(at::arange(100, 118, at::kByte)));
  EXPECT_TRUE(data.test.labels.equal(at::tensor({2, 1, 0}, at::kLong)));
  EXPECT_EQ(data.classes, (std::vector<std::string>{"0", "1", "2"}));
  EXPECT_EQ(data.validation.size(), 0);
}

TEST_F(IdxFiles, ReadsGzipUnderEitherName) {
  folder.write("a", gzipped(idx(0x08, {12, 2, 3}, counting(72))));  // packed, named plainly
  std::filesystem::rename(folder / "c", folder / "c.plain");
  folder.write("c.gz", gzipped(idx(0x08, {3, 2, 3}, counting(18, 100))));
  const DataSet data = load();
  EXPECT_TRUE(data.train.images.flatten().equal(at::arange(72, at::kByte)));
  EXPECT_TRUE(data.test.images.flatten().equal(at::arange(100, 118, at::kByte)));
}

TEST_F(IdxFiles, ReadsColourAndFlatSamples) {
  folder.write("a", idx(0x08, {12, 3, 2, 1}, counting(72)));
  folder.write("c", idx(0x08, {3, 3, 2, 1}, counting(18)));
  EXPECT_EQ(load().train.images.sizes(), at::IntArrayRef({12, 3, 2, 1}));
  folder.write("a", idx(0x08, {12, 6}, counting(72)));
  folder.write("c", idx(0x08, {3, 6}, counting(18)));
  EXPECT_EQ(load().train.images.sizes(), at::IntArrayRef({12, 1, 1, 6}));
}

Bytes float_payload(const std::vector<double>& values, bool wide) {
  Bytes bytes;
  for (const double value : values) {
    if (wide)
      append_big_endian(bytes, std::bit_cast<std::uint64_t>(value), 8);
    else
      append_big_endian(bytes, std::bit_cast<std::uint32_t>(static_cast<float>(value)), 4);
  }
  return bytes;
}

TEST_F(IdxFiles, ReadsFloatsOfBothWidths) {
  std::vector<double> values;
  for (int i = 0; i < 72; ++i) values.push_back(i * 0.37 - 9);
  folder.write("a", idx(0x0D, {12, 2, 3}, float_payload(values, false)));
  folder.write("c",
               idx(0x0E, {3, 2, 3}, float_payload({values.begin(), values.begin() + 18}, true)));
  const DataSet data = load();
  const at::Tensor want = at::tensor(values, at::kDouble).to(at::kFloat);
  EXPECT_TRUE(data.train.images.flatten().equal(want));
  EXPECT_TRUE(data.test.images.flatten().equal(want.narrow(0, 0, 18)));
}

Bytes integer_payload(const std::vector<std::int64_t>& values, int width) {
  Bytes bytes;
  for (const std::int64_t value : values)
    append_big_endian(bytes, static_cast<std::uint64_t>(value), width);
  return bytes;
}

TEST_F(IdxFiles, ReadsIntegersOfEveryWidth) {
  struct IntegerType {
    std::uint8_t code;
    int width;
    std::int64_t least;
  };
  for (const auto& [code, width, least] :
       {IntegerType{0x09, 1, -128}, {0x0B, 2, -32768}, {0x0C, 4, -65536}}) {
    std::vector<std::int64_t> values(72);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = least + static_cast<int>(i);
    folder.write("a", idx(code, {12, 2, 3}, integer_payload(values, width)));
    folder.write(
        "c", idx(code, {3, 2, 3}, integer_payload({values.begin(), values.begin() + 18}, width)));
    folder.write("d", idx(code, {3}, integer_payload({2, 0, 1}, width)));
    const DataSet data = load();
    EXPECT_EQ(data.train.images.scalar_type(), at::kFloat);
    EXPECT_TRUE(data.train.images.flatten().equal(at::tensor(values, at::kLong).to(at::kFloat)));
    EXPECT_TRUE(data.test.labels.equal(at::tensor({2, 0, 1}, at::kLong)));
  }
}

// qmnist-test-labels-idx2-int: class, series, writer, index in the writer's digits, code of the
// class, place in the whole, twice a flag of duplicates.
TEST_F(IdxFiles, ReadsTheClassesOfQmnist) {
  std::vector<std::int64_t> rows;
  for (const std::int64_t label : {2, 0, 1})
    rows.insert(rows.end(), {label, 4, 3700, 100 + label, 30 + label, 300000, 0, 0});
  folder.write("d", gzipped(idx(0x0C, {3, 8}, integer_payload(rows, 4))));
  EXPECT_TRUE(load().test.labels.equal(at::tensor({2, 0, 1}, at::kLong)));
}

TEST_F(IdxFiles, LabelsThatAreNoIntegers) {
  folder.write("d", idx(0x0D, {3}, float_payload({2, 0, 1}, false)));
  EXPECT_EQ(error(),
            (folder / "d") + ": holds floating-point numbers, not labels; check which file it is");
  folder.write("d", idx(0x0C, {3}, integer_payload({2, -1, 0}, 4)));
  EXPECT_THAT(error(), HasSubstr("sample 1 (counted from 0) has label -1"));
}

// ---- Bad input ---------------------------------------------------------------------------------

TEST_F(IdxFiles, MissingFileListsTheFoldersAndHowToGetIt) {
  std::filesystem::remove(folder / "d");
  EXPECT_EQ(error(), "no file d in " + folder.path() + "; ask its author");
}

TEST_F(IdxFiles, WrongMagic) {
  folder.write_text("a", "<html>not found</html>");
  EXPECT_EQ(error(),
            (folder / "a") +
                ": not an IDX file of 1 to 4 dimensions: it starts with 3c 68 74 6d; check "
                "which file it is");
}

TEST_F(IdxFiles, TypeThatIsNotRead) {
  folder.write("a", idx(0x0A, {12, 2, 3}, counting(144)));
  EXPECT_THAT(error(), HasSubstr("it starts with 00 00 0a 03"));
}

TEST_F(IdxFiles, NoDimensions) {
  folder.write("a", {0, 0, 8, 0});
  EXPECT_THAT(error(), HasSubstr("it starts with 00 00 08 00"));
}

TEST_F(IdxFiles, EmptyFile) {
  folder.write("a", {});
  EXPECT_EQ(error(), (folder / "a") +
                         ": truncated: 0 bytes are too few for an IDX header; get the file again");
}

TEST_F(IdxFiles, TruncatedHeader) {
  folder.write("a", {0, 0, 8, 3, 0, 0, 0, 12, 0});
  EXPECT_EQ(error(), (folder / "a") + ": truncated within its IDX header; get the file again");
}

TEST_F(IdxFiles, TruncatedData) {
  folder.write("a", idx(0x08, {12, 2, 3}, counting(71)));
  EXPECT_EQ(error(),
            (folder / "a") +
                ": truncated: its header announces 72 bytes (12x2x3), it holds 71; get the "
                "file again");
}

TEST_F(IdxFiles, OversizedData) {
  folder.write("a", idx(0x08, {12, 2, 3}, counting(73)));
  EXPECT_EQ(error(), (folder / "a") +
                         ": oversized: it goes on after the 72 bytes (12x2x3) that its header "
                         "announces; get the file again");
  folder.write("a", gzipped(idx(0x08, {12, 2, 3}, counting(73))));
  EXPECT_THAT(error(), HasSubstr("oversized"));
}

TEST_F(IdxFiles, HeaderThatAnnouncesTooMuchAllocatesNothing) {
  folder.write("a", idx(0x08, {4000000000u, 1000, 1000}, counting(72)));
  EXPECT_EQ(error(), (folder / "a") +
                         ": truncated: its header announces 4000000000x1000x1000 elements of 1 "
                         "bytes, more than the file can hold; get the file again");
  folder.write("a", gzipped(idx(0x0E, {4000000000u, 4000000000u, 4000000000u}, counting(72))));
  EXPECT_THAT(error(), HasSubstr("more than the file can hold"));
}

TEST_F(IdxFiles, TruncatedGzip) {
  Bytes packed = gzipped(idx(0x08, {12, 2, 3}, counting(72)));
  packed.resize(packed.size() - 12);
  folder.write("a", packed);
  EXPECT_EQ(error(), (folder / "a") + ": truncated gzip data; get the file again");
}

TEST_F(IdxFiles, CorruptGzip) {
  Bytes packed = gzipped(idx(0x08, {12, 2, 3}, counting(72)));
  packed[packed.size() - 6] ^= 0xff;  // its checksum
  folder.write("a", packed);
  EXPECT_THAT(error(), StartsWith((folder / "a") + ": corrupt gzip data ("));
  packed = gzipped(idx(0x08, {12, 2, 3}, counting(72)));
  packed[12] ^= 0xff;
  folder.write("a", packed);
  EXPECT_THAT(error(), EndsWith("; get the file again"));
}

TEST_F(IdxFiles, ImagesAndLabelsOfDifferentNumber) {
  folder.write("b", idx(0x08, {11}, Bytes(11)));
  EXPECT_EQ(error(), (folder / "a") + " holds 12 images, but " + (folder / "b") +
                         " holds 11 labels; get both files again");
}

TEST_F(IdxFiles, LabelsInPlaceOfImages) {
  folder.write("a", idx(0x08, {12}, Bytes(12)));
  EXPECT_EQ(error(), (folder / "a") +
                         ": holds 12 numbers, not images (samples x height x width); check which "
                         "file it is");
}

TEST_F(IdxFiles, ImagesInPlaceOfLabels) {
  folder.write("b", idx(0x08, {12, 2, 3}, counting(72)));
  EXPECT_EQ(error(), (folder / "b") +
                         ": holds 12x2x3 elements of 1 bytes, not one label a sample; check which "
                         "file it is");
}

TEST_F(IdxFiles, EmptySplit) {
  folder.write("c", idx(0x08, {0, 2, 3}, {}));
  folder.write("d", idx(0x08, {0}, {}));
  EXPECT_EQ(error(), (folder / "c") + ": empty: its header announces 0x2x3; get the file again");
}

TEST_F(IdxFiles, NotANumberNamesTheSample) {
  std::vector<double> values(72, 1.0);
  values[6 * 7 + 2] = std::numeric_limits<double>::quiet_NaN();
  folder.write("a", idx(0x0D, {12, 2, 3}, float_payload(values, false)));
  EXPECT_EQ(error(), (folder / "a") +
                         ": sample 7 (counted from 0) holds NaN; every pixel must be a finite "
                         "float32");
  values[6 * 7 + 2] = 1e300;  // infinite as float32
  folder.write("a", idx(0x0E, {12, 2, 3}, float_payload(values, true)));
  EXPECT_THAT(error(), HasSubstr("sample 7 (counted from 0) holds an infinite value"));
}

TEST_F(IdxFiles, LabelOutsideTheClasses) {
  folder.write("d", idx(0x08, {3}, {2, 7, 0}));
  EXPECT_EQ(error(),
            "small, test split (c, d): sample 1 (counted from 0) has label 7, outside the 3 "
            "classes 0 to 2; check the files and `classes`");
}

TEST_F(IdxFiles, ShapesOfTheSplitsDiffer) {
  folder.write("c", idx(0x08, {3, 3, 2}, counting(18)));
  EXPECT_EQ(error(),
            "small: the training images are uint8 1x2x3, the test images uint8 1x3x2; check which "
            "files they are");
}

TEST_F(IdxFiles, FileThatCannotBeRead) {
  if (geteuid() == 0) GTEST_SKIP() << "root reads every file";
  std::filesystem::permissions(folder / "a", std::filesystem::perms::none);
  EXPECT_THAT(error(), HasSubstr("cannot be read: Permission denied"));
}

}  // namespace
}  // namespace onecycle
