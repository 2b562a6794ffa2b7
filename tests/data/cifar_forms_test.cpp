#include "data_test_support.h"
#include "support/places.h"
#include "support/tar.h"
#include "yaml/yaml.h"

#include <filesystem>

#include <ATen/ATen.h>

// CIFAR in the forms that users have: binary or Python files, and archives of either.
namespace onecycle {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr std::size_t kPixels = 3072;

void append(Bytes& bytes, const std::string& text) {
  bytes.insert(bytes.end(), text.begin(), text.end());
}

// A batch as Python 2 pickled it, protocol 2: strings of bytes, numpy's array. Sample i has pixels
// of `first` + i.
Bytes python_batch(const std::vector<std::pair<std::string, Bytes>>& labels, std::uint8_t first,
                   const std::string& dtype = "u1") {
  const std::size_t count = labels.front().second.size();
  Bytes bytes;
  append(bytes, std::string("\x80\x02}(", 4));
  const auto key = [&](const std::string& name) {
    append(bytes, "U");
    bytes.push_back(static_cast<std::uint8_t>(name.size()));
    append(bytes, name);
  };
  for (const auto& [name, values] : labels) {
    key(name);
    append(bytes, "](");
    for (const std::uint8_t value : values) bytes.insert(bytes.end(), {'K', value});
    append(bytes, "e");
  }
  key("data");
  append(bytes, "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK");
  bytes.push_back(0);
  append(bytes,
         "\x85U\x01"
         "btR(K\x01K");
  bytes.push_back(static_cast<std::uint8_t>(count));
  append(bytes, std::string("M\x00\x0c\x86", 4));
  append(bytes, "cnumpy\ndtype\n(U\x02" + dtype + std::string("K\0K\1tR(K\3U\1|NNNJ", 16));
  append(bytes, std::string("\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89T", 15));
  for (int i = 0; i < 4; ++i)
    bytes.push_back(static_cast<std::uint8_t>(count * kPixels >> (8 * i)));
  for (std::size_t i = 0; i < count; ++i)
    bytes.insert(bytes.end(), kPixels, static_cast<std::uint8_t>(first + i));
  append(bytes, "tbu.");
  return bytes;
}

Bytes binary_batch(const std::vector<Bytes>& labels, std::uint8_t first) {
  Bytes bytes;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    bytes.insert(bytes.end(), labels[i].begin(), labels[i].end());
    bytes.insert(bytes.end(), kPixels, static_cast<std::uint8_t>(first + i));
  }
  return bytes;
}

struct CifarForms : testing::Test {
  // `name`: a shipped descriptor; its sizes are those of the small files here.
  void use(const std::string& name) {
    options.name = name;
    options.dir = folder.path();
    options.validation = 0;
    descriptor = find_descriptor(options, {source_dir() + "/datasets"});
    descriptor.train_samples.reset();
  }

  void expect_small_cifar10() {
    const DataSet data = load_data(options, descriptor);
    EXPECT_TRUE(data.train.labels.equal(at::tensor({3, 9, 1, 1, 2, 3}, at::kLong)));
    EXPECT_TRUE(data.test.labels.equal(at::tensor({8}, at::kLong)));
    EXPECT_TRUE(data.train.images.select(1, 0).select(1, 0).select(1, 0).equal(
        at::tensor({10, 11, 12, 13, 14, 15}, at::kByte)));
    EXPECT_EQ(data.classes[3], "cat");
  }

  std::vector<std::pair<std::string, Bytes>> python_files() {
    std::vector<std::pair<std::string, Bytes>> files;
    const std::uint8_t labels[5] = {9, 1, 1, 2, 3};
    files.emplace_back("data_batch_1", python_batch({{"labels", {3, 9}}}, 10));
    for (std::uint8_t i = 2; i <= 5; ++i)
      files.emplace_back("data_batch_" + std::to_string(i),
                         python_batch({{"labels", {labels[i - 1]}}}, 10 + i));
    files.emplace_back("test_batch", python_batch({{"labels", {8}}}, 90));
    for (auto& [name, bytes] : files) name = "cifar-10-batches-py/" + name;
    return files;
  }

  TemporaryFolder folder;
  DataOptions options;
  DatasetDescriptor descriptor;
};

TEST_F(CifarForms, PythonFiles) {
  use("cifar10");
  for (const auto& [name, bytes] : python_files()) folder.write(name, bytes);
  expect_small_cifar10();
}

TEST_F(CifarForms, PythonArchive) {
  use("cifar10");
  auto files = python_files();
  files.insert(files.begin(), {"cifar-10-batches-py/readme.html", {1}});
  folder.write("cifar-10-python.tar.gz", gzipped(tar(files)));
  expect_small_cifar10();
}

TEST_F(CifarForms, BinaryArchive) {
  use("cifar10");
  const std::string in = "cifar-10-batches-bin/";
  folder.write("cifar-10-binary.tar.gz",
               gzipped(tar({{in + "data_batch_1.bin", binary_batch({{3}, {9}}, 10)},
                            {in + "data_batch_2.bin", binary_batch({{1}}, 12)},
                            {in + "data_batch_3.bin", binary_batch({{1}}, 13)},
                            {in + "data_batch_4.bin", binary_batch({{2}}, 14)},
                            {in + "data_batch_5.bin", binary_batch({{3}}, 15)},
                            {in + "test_batch.bin", binary_batch({{8}}, 90)}})));
  expect_small_cifar10();
  const auto checks = verify_data(options, descriptor);
  ASSERT_EQ(checks.size(), 1);
  EXPECT_EQ(checks[0].file, "cifar-10-binary.tar.gz");
  EXPECT_EQ(checks[0].status, FileCheck::Status::mismatch);  // it is not the published one
}

TEST_F(CifarForms, FineAndCoarseLabels) {
  for (const bool fine : {true, false}) {
    use(fine ? "cifar100" : "cifar100-coarse");
    const auto label = [&] {
      const DataSet data = load_data(options, descriptor);
      EXPECT_EQ(data.classes.size(), fine ? 100 : 20);
      return data.train.labels[1].item<std::int64_t>();
    };
    fs::remove_all(folder / "cifar-100-python");
    folder.write("cifar-100-binary.tar.gz",
                 gzipped(tar({{"cifar-100-binary/train.bin", binary_batch({{1, 50}, {4, 77}}, 1)},
                              {"cifar-100-binary/test.bin", binary_batch({{1, 50}}, 1)}})));
    EXPECT_EQ(label(), fine ? 77 : 4);
    fs::remove(folder / "cifar-100-binary.tar.gz");
    const auto batch = [&](const Bytes& coarse, const Bytes& fines) {
      return python_batch({{"coarse_labels", coarse}, {"fine_labels", fines}}, 1);
    };
    folder.write("cifar-100-python/train", batch({1, 5}, {50, 78}));
    folder.write("cifar-100-python/test", batch({1}, {50}));
    EXPECT_EQ(label(), fine ? 78 : 5);
  }
}

// As Python 3 and numpy 2 pickle them (tests/fuzz/cifar_corpus.py).
TEST_F(CifarForms, PythonFilesOfEveryProtocol) {
  use("cifar10");
  for (const auto& [name, bytes] : python_files()) folder.write(name, bytes);
  for (const char* name : {"protocol-0", "protocol-1", "protocol-2", "numpy-scalars-0",
                           "numpy-scalars-4", "numpy-labels-2", "numpy-labels-5"}) {
    folder.write_text("cifar-10-batches-py/test_batch",
                      read_bytes(source_dir() + "/tests/fuzz/corpus/cifar/" + name));
    const DataSet data = load_data(options, descriptor);
    EXPECT_TRUE(data.test.labels.equal(at::tensor({7, 3}, at::kLong))) << name;
    EXPECT_TRUE(data.test.images.flatten().equal(
        (at::arange(2 * 3072, at::kLong).remainder(251) + 5).to(at::kByte)))
        << name;
  }
}

TEST_F(CifarForms, OtherPicklesAreRefused) {
  use("cifar10");
  for (const auto& [name, bytes] : python_files()) folder.write(name, bytes);
  const std::string first = "cifar-10-batches-py/data_batch_1";
  folder.write_text(first, "cos\nsystem\n(S'true'\ntR.");
  EXPECT_THAT(data_error(options, descriptor),
              testing::AllOf(HasSubstr(first + ": "), HasSubstr("os.system")));
  folder.write_text(first, "}.");
  EXPECT_THAT(data_error(options, descriptor), HasSubstr("holds no list `labels`"));
  folder.write(first, python_batch({{"labels", {1}}}, 1, "f4"));
  EXPECT_THAT(data_error(options, descriptor), HasSubstr("is not 1 rows of 3072 uint8 pixels"));
  Bytes more = python_batch({{"labels", {1, 2}}}, 1);
  more.erase(more.end() - 100, more.end() - 4);
  folder.write(first, more);
  EXPECT_THAT(data_error(options, descriptor), HasSubstr("data_batch_1: "));
}

TEST_F(CifarForms, NothingThereNamesFetch) {
  use("cifar10");
  EXPECT_THAT(data_error(options, descriptor), HasSubstr("`onecycle data fetch cifar10` gets it"));
}

}  // namespace
}  // namespace onecycle
