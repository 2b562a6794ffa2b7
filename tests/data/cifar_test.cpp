#include "data_test_support.h"

#include <ATen/ATen.h>

namespace onecycle {
namespace {

using testing::HasSubstr;

Bytes record(const Bytes& labels, std::uint8_t red, std::uint8_t green, std::uint8_t blue) {
  Bytes bytes = labels;
  for (const std::uint8_t colour : {red, green, blue}) bytes.insert(bytes.end(), 1024, colour);
  return bytes;
}

Bytes joined(const std::vector<Bytes>& parts) {
  Bytes bytes;
  for (const Bytes& part : parts) bytes.insert(bytes.end(), part.begin(), part.end());
  return bytes;
}

class CifarFiles : public testing::Test {
 protected:
  CifarFiles() {
    folder.write("sub/1.bin", joined({record({3}, 10, 20, 30), record({1}, 11, 21, 31)}));
    folder.write("2.bin", record({0}, 12, 22, 32));  // also found without its folder
    folder.write("sub/test.bin", record({2}, 13, 23, 33));
    options.validation = 0;
    use("single");
  }
  void use(const std::string& labels) {
    descriptor.name = "tiny";
    descriptor.format =
        chosen(builtin_formats(), "cifar",
               "{train: [sub/1.bin, sub/2.bin], test: [sub/test.bin], labels: " + labels + "}");
    descriptor.folders = {folder.path()};
  }

  TemporaryFolder folder;
  DataOptions options;
  DatasetDescriptor descriptor;
};

TEST_F(CifarFiles, ReadsRecordsOfSeveralFilesInOrder) {
  const DataSet data = load_data(options, descriptor);
  EXPECT_TRUE(data.train.labels.equal(at::tensor({3, 1, 0}, at::kLong)));
  EXPECT_EQ(data.train.images.sizes(), at::IntArrayRef({3, 3, 32, 32}));
  EXPECT_TRUE(data.train.images[1].select(0, 0).eq(11).all().item<bool>());
  EXPECT_TRUE(data.train.images[1].select(0, 2).eq(31).all().item<bool>());
  EXPECT_TRUE(data.test.images[0].select(0, 1).eq(23).all().item<bool>());
}

TEST_F(CifarFiles, ReadsCoarseAndFineLabels) {
  for (const std::string name : {"sub/1.bin", "2.bin", "sub/test.bin"})
    folder.write(name, record({1, 4}, 1, 2, 3));
  use("coarse");
  EXPECT_EQ(load_data(options, descriptor).train.labels[0].item<std::int64_t>(), 1);
  use("fine");
  const DataSet data = load_data(options, descriptor);
  EXPECT_EQ(data.train.labels[0].item<std::int64_t>(), 4);
  EXPECT_EQ(data.train.images[0][0][0][0].item<int>(), 1);
}

TEST_F(CifarFiles, TruncatedOrOversized) {
  Bytes bytes = record({0}, 1, 2, 3);
  bytes.pop_back();
  folder.write("2.bin", bytes);
  EXPECT_EQ(
      data_error(options, descriptor),
      (folder / "2.bin") +
          ": 3072 bytes are 0 records of 3073 bytes and 3072 bytes more: truncated, oversized "
          "or not CIFAR's binary version; get the file again");
  folder.write("2.bin", joined({record({0}, 1, 2, 3), {7}}));
  EXPECT_THAT(data_error(options, descriptor),
              HasSubstr("1 records of 3073 bytes and 1 bytes more"));
}

TEST_F(CifarFiles, Empty) {
  folder.write("sub/test.bin", {});
  EXPECT_EQ(data_error(options, descriptor),
            (folder / "sub/test.bin") + ": empty; get the file again");
}

TEST_F(CifarFiles, NoFilesAtAll) {
  descriptor.format = chosen(builtin_formats(), "cifar",
                             "{train: [sub/1.bin, sub/2.bin], test: [], labels: single}");
  EXPECT_EQ(data_error(options, descriptor), "tiny, test split: has no samples; check its files");
}

TEST_F(CifarFiles, LabelOutsideTheClasses) {
  descriptor.classes = {"cat", "dog", "frog"};
  EXPECT_EQ(data_error(options, descriptor),
            "tiny, training split (sub/1.bin, sub/2.bin): sample 0 (counted from 0) has label 3, "
            "outside the 3 classes 0 to 2; check the files and `classes`");
}

TEST_F(CifarFiles, TruncatedGzip) {
  Bytes packed = gzipped(record({0}, 1, 2, 3));
  packed.resize(packed.size() / 2);
  folder.write("2.bin", packed);
  EXPECT_EQ(data_error(options, descriptor),
            (folder / "2.bin") + ": truncated gzip data; get the file again");
}

}  // namespace
}  // namespace onecycle
