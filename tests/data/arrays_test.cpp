#include "onecycle/data.h"

#include "data/arrays/array_samples.h"
#include "data_test_support.h"
#include "formats/safetensors/safetensors.h"
#include "formats/zip/zip_writer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <sys/resource.h>
#include <utility>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

using testing::HasSubstr;

std::string npy_of(const std::string& header, const std::string& numbers, char version = 1) {
  const auto length = header.size();
  std::string bytes = std::string("\x93NUMPY") + version + '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    bytes += static_cast<char>(length >> (8 * i) & 0xff);
  return bytes + header + numbers;
}

std::string dict(const std::string& descr, const std::string& shape,
                 const char* fortran = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }\n";
}

template <class T>
std::string npy(const std::string& descr, const std::string& shape, const std::vector<T>& values) {
  std::string numbers(values.size() * sizeof(T), '\0');
  std::memcpy(numbers.data(), values.data(), numbers.size());
  return npy_of(dict(descr, shape), numbers);
}

std::string bytes_from(const std::string& shape, int count, int first = 0) {
  const Bytes bytes = counting(static_cast<std::size_t>(count), first);
  return npy("|u1", shape, bytes);
}

class Arrays : public FormatTest {
 protected:
  Arrays() : FormatTest("arrays", "arrays") {}

  // With whole inputs of two samples, or whole targets of them.
  std::string input_error(const std::string& bytes) {
    folder.write_text("x.npy", bytes);
    folder.write_text("y.npy", npy<std::int64_t>("<i8", "(2,)", {0, 1}));
    return error("{train: x.npy, train_targets: y.npy}");
  }
  std::string target_error(const std::string& bytes, std::optional<TargetKind> targets = {}) {
    folder.write_text("x.npy", npy<float>("<f4", "(2, 1)", {1, 2}));
    folder.write_text("y.npy", bytes);
    return error("{train: x.npy, train_targets: y.npy}", targets);
  }
  void write_npz(const std::string& name,
                 const std::vector<std::pair<std::string, std::string>>& arrays) const {
    ZipWriter writer;
    for (const auto& [array, bytes] : arrays) writer.add(array + ".npy", bytes);
    std::string whole;
    for (const std::string_view part : writer.finish()) whole += part;
    folder.write_text(name, whole);
  }
};

// numpy 2.4.6: np.save(file, np.array([[1.5, -2], [3, 4.25], [0, 8]], dtype="<f4"))
std::string by_numpy() {
  std::string numbers("\x00\x00\xc0\x3f\x00\x00\x00\xc0\x00\x00\x40\x40\x00\x00\x88\x40", 16);
  numbers += std::string("\x00\x00\x00\x00\x00\x00\x00\x41", 8);
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }";
  header += std::string(118 - 1 - header.size(), ' ') + "\n";
  return std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header + numbers;
}

TEST_F(Arrays, OfNumpyAreSamplesAsTheyAre) {
  folder.write_text("x.npy", by_numpy());
  folder.write_text("y.npy", npy<std::int32_t>("<i4", "(3, 1)", {1, 0, 1}));
  const DataSet data = load("{train: x.npy, train_targets: y.npy, standardise: false}");
  EXPECT_TRUE(data.train.images.equal(at::tensor({1.5F, -2.F, 3.F, 4.25F, 0.F, 8.F}).view({3, 2})));
  EXPECT_TRUE(data.train.labels.equal(at::tensor({1, 0, 1}, at::kLong)));
  EXPECT_EQ(data.target_kind, TargetKind::classes);
  EXPECT_EQ(data.classes, (std::vector<std::string>{"0", "1"}));
  EXPECT_FALSE(data.is_pictures());
  EXPECT_EQ(data.sample_shape(), std::vector<std::int64_t>{2});
  EXPECT_TRUE(data.mean.empty());
  EXPECT_EQ(data.test.size(), 0);
}

// np.array([[1, 10], [2, 10], [4, 10]]): mean(0) = [2.33333333, 10], std(0) = [1.24721913, 0]
TEST_F(Arrays, AreStandardisedByTheTrainingPart) {
  folder.write_text("x.npy", npy<double>("<f8", "(3, 2)", {1, 10, 2, 10, 4, 10}));
  folder.write_text("y.npy", npy<double>("<f8", "(3,)", {1, 2, 6}));
  folder.write_text("u.npy", npy<float>("<f4", "(1, 2)", {0, 11}));
  folder.write_text("v.npy", npy<float>("<f4", "(1, 1)", {9}));
  const DataSet data =
      load("{train: x.npy, train_targets: y.npy, test: u.npy, test_targets: v.npy, names: [cost]}");
  EXPECT_NEAR(data.mean[0], 7.0 / 3, 1e-12);
  EXPECT_NEAR(data.std[0], 1.24721912892465, 1e-12);
  EXPECT_EQ(data.mean[1], 10);
  EXPECT_EQ(data.std[1], 1);
  EXPECT_EQ(data.train.images.scalar_type(), at::kFloat);
  EXPECT_NEAR(data.train.images[0][0].item<float>(), -1.06904497, 1e-6);
  EXPECT_EQ(data.train.images[0][1].item<float>(), 0);
  EXPECT_NEAR(data.test.images[0][0].item<float>(), -1.87082869, 1e-6);
  EXPECT_EQ(data.test.images[0][1].item<float>(), 1);
  EXPECT_EQ(data.target_kind, TargetKind::values);
  EXPECT_EQ(data.targets.names, std::vector<std::string>{"cost"});
  EXPECT_DOUBLE_EQ(data.targets.mean[0], 3);
  EXPECT_NEAR(data.test.labels[0][0].item<double>(), 6 / std::sqrt(14.0 / 3), 1e-12);
}

TEST_F(Arrays, LargeNumbersKeepTheirDifferences) {
  folder.write_text("x.npy", npy<std::int64_t>("<i8", "(2, 1, 1)", {1700000000001, 1700000000003}));
  folder.write_text("y.npy", npy<std::uint16_t>("<u2", "(2,)", {1, 0}));
  const DataSet data = load("{train: x.npy, train_targets: y.npy}");
  EXPECT_TRUE(data.train.images.equal(at::tensor({-1.F, 1.F}).view({2, 1, 1})));
  EXPECT_EQ(data.sample_shape(), (std::vector<std::int64_t>{1, 1}));
}

// numpy 2.4.6: np.asfortranarray(np.array([[1, 2, 3], [4, 5, 6]], dtype="<i2")) is written so.
TEST_F(Arrays, InFortransOrderAreTurned) {
  folder.write_text("x.npy", npy_of(dict("<i2", "(2, 3)", "True"),
                                    std::string("\1\0\4\0\2\0\5\0\3\0\6\0", 12), 2));
  folder.write_text("y.npy", npy<std::int8_t>("|i1", "(2,)", {0, 1}));
  const DataSet data = load("{train: x.npy, train_targets: y.npy, standardise: false}");
  EXPECT_TRUE(data.train.images.equal(at::tensor({1.F, 2.F, 3.F, 4.F, 5.F, 6.F}).view({2, 3})));
}

TEST_F(Arrays, OfFourDimensionsArePictures) {
  folder.write_text("x.npy", bytes_from("(2, 2, 2, 3)", 24));
  folder.write_text("y.npy", npy<float>("<f4", "(2, 1)", {1, 3}));
  const DataSet last = load("{train: x.npy, train_targets: y.npy}");
  ASSERT_TRUE(last.is_pictures());
  EXPECT_EQ(last.sample_shape(), (std::vector<std::int64_t>{3, 2, 2}));
  EXPECT_EQ(last.train.images.scalar_type(), at::kByte);
  EXPECT_EQ(last.train.images[0][1][0][1].item<int>(), 4);  // its channel 1 lies beside channel 0
  EXPECT_EQ(last.mean.size(), 3U);
  EXPECT_EQ(last.target_kind, TargetKind::values);
  EXPECT_EQ(last.train.labels[0][0].item<double>(), -1);
  const DataSet first = load("{train: x.npy, train_targets: y.npy, channels: first}");
  EXPECT_EQ(first.sample_shape(), (std::vector<std::int64_t>{2, 2, 3}));
  EXPECT_EQ(first.train.images[0][1][0][1].item<int>(), 7);
}

TEST_F(Arrays, OfBytesInThreeDimensionsAreGreyPictures) {
  folder.write_text("x.npy", bytes_from("(2, 2, 3)", 12));
  folder.write_text("y.npy", bytes_from("(2,)", 2));
  options.size = 2;
  const DataSet data = load("{train: x.npy, train_targets: y.npy, names: [cat, dog]}");
  EXPECT_EQ(data.sample_shape(), (std::vector<std::int64_t>{1, 2, 2}));
  EXPECT_EQ(data.classes, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_NEAR(data.mean[0], 5.5 / 255, 1e-9);
}

TEST_F(Arrays, OfOneArchiveBelongToTheirSplits) {
  write_npz("d.npz", {{"x_train", bytes_from("(2, 1)", 2)},
                      {"y_train", bytes_from("(2,)", 2)},
                      {"x_test", bytes_from("(1, 1)", 1, 9)},
                      {"y_test", bytes_from("(1,)", 1, 1)}});
  const DataSet data = load("{train: d.npz, test: d.npz, standardise: false}");
  EXPECT_TRUE(data.train.images.equal(at::tensor({0.F, 1.F}).view({2, 1})));
  EXPECT_TRUE(data.test.images.equal(at::tensor({9.F}).view({1, 1})));
  EXPECT_EQ(data.test.labels[0].item<std::int64_t>(), 1);
  write_npz("e.npz", {{"x", bytes_from("(2, 1)", 2)}, {"y", bytes_from("(2,)", 2)}});
  EXPECT_EQ(load("{train: e.npz}").train.size(), 2);
  EXPECT_THAT(error("{train: e.npz, test: e.npz}"),
              HasSubstr("no array of the inputs of the test"));
}

// numpy 2.4.6: np.savez_compressed("d.npz", x=np.zeros((2, 300), "u1"), y=np.array([0, 1], "u1"))
constexpr unsigned char kDeflated[] = {
    0x50, 0x4b, 0x03, 0x04, 0x14, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x21, 0x00, 0x32, 0x61,
    0x17, 0x11, 0x4e, 0x00, 0x00, 0x00, 0xd8, 0x02, 0x00, 0x00, 0x05, 0x00, 0x14, 0x00, 0x78, 0x2e,
    0x6e, 0x70, 0x79, 0x01, 0x00, 0x10, 0x00, 0xd8, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x4e,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x9b, 0xec, 0x17, 0xea, 0x1b, 0x10, 0xc9, 0xc8, 0x50,
    0xc6, 0x50, 0xad, 0x9e, 0x92, 0x5a, 0x9c, 0x5c, 0xa4, 0x6e, 0xa5, 0xa0, 0x5e, 0x53, 0x6a, 0xa8,
    0xae, 0xa3, 0xa0, 0x9e, 0x96, 0x5f, 0x54, 0x52, 0x94, 0x98, 0x17, 0x9f, 0x5f, 0x94, 0x92, 0x0a,
    0x12, 0x77, 0x4b, 0xcc, 0x29, 0x4e, 0x05, 0x8a, 0x17, 0x67, 0x24, 0x16, 0xa4, 0x02, 0xf9, 0x1a,
    0x46, 0x3a, 0x0a, 0xc6, 0x06, 0x06, 0x9a, 0x3a, 0x0a, 0xb5, 0x0a, 0x64, 0x02, 0x2e, 0x86, 0x51,
    0x30, 0x0a, 0x68, 0x00, 0x00, 0x50, 0x4b, 0x03, 0x04, 0x14, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00,
    0x00, 0x21, 0x00, 0x99, 0x62, 0x77, 0xdf, 0x46, 0x00, 0x00, 0x00, 0x82, 0x00, 0x00, 0x00, 0x05,
    0x00, 0x14, 0x00, 0x79, 0x2e, 0x6e, 0x70, 0x79, 0x01, 0x00, 0x10, 0x00, 0x82, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x46, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x9b, 0xec, 0x17, 0xea,
    0x1b, 0x10, 0xc9, 0xc8, 0x50, 0xc6, 0x50, 0xad, 0x9e, 0x92, 0x5a, 0x9c, 0x5c, 0xa4, 0x6e, 0xa5,
    0xa0, 0x5e, 0x53, 0x6a, 0xa8, 0xae, 0xa3, 0xa0, 0x9e, 0x96, 0x5f, 0x54, 0x52, 0x94, 0x98, 0x17,
    0x9f, 0x5f, 0x94, 0x92, 0x0a, 0x12, 0x77, 0x4b, 0xcc, 0x29, 0x4e, 0x05, 0x8a, 0x17, 0x67, 0x24,
    0x16, 0xa4, 0x02, 0xf9, 0x1a, 0x46, 0x3a, 0x9a, 0x3a, 0x0a, 0xb5, 0x0a, 0x14, 0x00, 0x2e, 0x06,
    0x46, 0x00, 0x50, 0x4b, 0x01, 0x02, 0x14, 0x03, 0x14, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00,
    0x21, 0x00, 0x32, 0x61, 0x17, 0x11, 0x4e, 0x00, 0x00, 0x00, 0xd8, 0x02, 0x00, 0x00, 0x05, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x01, 0x00, 0x00, 0x00, 0x00,
    0x78, 0x2e, 0x6e, 0x70, 0x79, 0x50, 0x4b, 0x01, 0x02, 0x14, 0x03, 0x14, 0x00, 0x00, 0x00, 0x08,
    0x00, 0x00, 0x00, 0x21, 0x00, 0x99, 0x62, 0x77, 0xdf, 0x46, 0x00, 0x00, 0x00, 0x82, 0x00, 0x00,
    0x00, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x01, 0x85,
    0x00, 0x00, 0x00, 0x79, 0x2e, 0x6e, 0x70, 0x79, 0x50, 0x4b, 0x05, 0x06, 0x00, 0x00, 0x00, 0x00,
    0x02, 0x00, 0x02, 0x00, 0x66, 0x00, 0x00, 0x00, 0x02, 0x01, 0x00, 0x00, 0x00, 0x00};

TEST_F(Arrays, OfDeflatedArchivesAreUnpacked) {
  const Bytes bytes(std::begin(kDeflated), std::end(kDeflated));
  folder.write("d.npz", bytes);
  const DataSet data = load("{train: d.npz, standardise: false}");
  EXPECT_TRUE(data.train.images.equal(at::zeros({2, 300})));
  EXPECT_TRUE(data.train.labels.equal(at::tensor({0, 1}, at::kLong)));
  for (std::size_t at = 0; at < bytes.size(); ++at) {  // damage is found, or changes no number
    Bytes damaged = bytes;
    damaged[at] ^= 0x11;
    folder.write("d.npz", damaged);
    try {
      EXPECT_TRUE(load("{train: d.npz, standardise: false}").train.images.equal(data.train.images));
    } catch (const DataError&) {
    }
  }
}

TEST_F(Arrays, OfSafetensorsAreNamed) {
  const std::vector<float> inputs = {1, 2, 3, 4};
  const std::vector<std::uint8_t> labels = {1, 0, 0, 0, 1, 1};
  const std::vector<StoredTensor> tensors = {
      {"tags", "BOOL", {2, 3}, labels.data(), labels.size()},
      {"series", "F32", {2, 2, 1}, inputs.data(), inputs.size() * sizeof(float)}};
  write_safetensors(folder / "d.safetensors", tensors, {});
  const std::string format =
      "{train: d.safetensors, inputs: [series], targets: [tags], names: [a, b, c]}";
  const DataSet data = load(format);
  EXPECT_EQ(data.target_kind, TargetKind::labels);
  EXPECT_EQ(data.classes, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(data.train.labels.equal(at::tensor({1, 0, 0, 0, 1, 1}, at::kByte).view({2, 3})));
  EXPECT_EQ(data.targets.counts, (std::vector<std::int64_t>{1, 1, 1}));
  EXPECT_EQ(data.sample_shape(), (std::vector<std::int64_t>{2, 1}));
  EXPECT_EQ(load(format, TargetKind::values).targets.mean, (std::vector<double>{.5, .5, .5}));
  EXPECT_THAT(error(format, TargetKind::classes), HasSubstr("bool [2, 3]"));
  EXPECT_THAT(error("{train: d.safetensors, targets: [tags]}"), HasSubstr("series, tags"));
  EXPECT_THAT(error("{train: d.safetensors, inputs: [series], targets: [tags], names: [a]}"),
              HasSubstr("a sample has 3 targets, but `names` has 1"));
}

TEST_F(Arrays, ToPredictAreTheInputsOfAFile) {
  const auto path = [&](const char* name) { return folder / name; };
  folder.write_text("x.npy", npy<double>("<f8", "(2, 1, 2)", {1, 2, 3, 4}));
  EXPECT_TRUE(
      read_samples(path("x.npy")).equal(at::tensor({1., 2., 3., 4.}, at::kDouble).view({2, 1, 2})));
  write_npz("one.npz", {{"any", bytes_from("(2,)", 2)}});
  EXPECT_TRUE(read_samples(path("one.npz")).equal(at::tensor({0.F, 1.F}).view({2, 1})));
  write_npz("two.npz", {{"x", bytes_from("(2,)", 2)}, {"y", bytes_from("(2,)", 2, 5)}});
  EXPECT_TRUE(read_samples(path("two.npz")).equal(at::tensor({0.F, 1.F}).view({2, 1})));
  write_npz("own.npz", {{"x", bytes_from("(2,)", 2, 5)}, {"series", bytes_from("(2,)", 2)}});
  EXPECT_TRUE(read_samples(path("own.npz"), {"series"}).equal(at::tensor({0.F, 1.F}).view({2, 1})));
  EXPECT_TRUE(read_samples(path("two.npz"), {"series"}).equal(at::tensor({0.F, 1.F}).view({2, 1})));
  write_npz("no.npz", {{"a", bytes_from("(2,)", 2)}, {"b", bytes_from("(2,)", 2)}});
  EXPECT_THAT([&] { (void)read_samples(path("no.npz")); },
              testing::ThrowsMessage<DataError>(HasSubstr("0 of its 2 arrays")));
}

// Of 100,001 numbers a sample: 1, and 3 but for one 1 in the second.
TEST_F(Arrays, OfHugeSamplesHaveOneMeanAndDeviation) {
  constexpr std::size_t kNumbers = 100'001;
  std::vector<float> numbers(2 * kNumbers, 1);
  std::fill(numbers.begin() + kNumbers, numbers.end() - 1, 3.F);
  folder.write_text("x.npy", npy<float>("<f4", "(2, 100001)", numbers));
  folder.write_text("y.npy", npy<std::int64_t>("<i8", "(2,)", {0, 1}));
  const DataSet data = load("{train: x.npy, train_targets: y.npy}");
  const double share = 100'000. / 200'002;  // of the 3s
  ASSERT_EQ(data.mean.size(), 1u);
  ASSERT_EQ(data.std.size(), 1u);
  EXPECT_NEAR(data.mean[0], 1 + 2 * share, 1e-12);
  EXPECT_NEAR(data.std[0], 2 * std::sqrt(share * (1 - share)), 1e-12);
  EXPECT_FLOAT_EQ(data.train.images[1][0].item<float>(),
                  static_cast<float>((3 - data.mean[0]) / data.std[0]));
}

TEST_F(Arrays, ThatAreBeyondFloatWhenStandardisedAreRefused) {
  folder.write_text("x.npy", npy<double>("<f8", "(2, 1)", {1e-9, 2e-9}));
  folder.write_text("y.npy", npy<std::int64_t>("<i8", "(2,)", {0, 1}));
  folder.write_text("u.npy", npy<double>("<f8", "(2, 1)", {1e-9, 1e38}));
  folder.write_text("v.npy", npy<std::int64_t>("<i8", "(2,)", {0, 1}));
  EXPECT_THAT(error("{train: x.npy, train_targets: y.npy, test: u.npy, test_targets: v.npy}"),
              HasSubstr("the test part: sample 1 (counted from 0)"));
}

// A file with a hole of 1 TiB, whose numbers take twice that as float64.
TEST_F(Arrays, ThatExceedMemoryAreRefused) {
  std::string text = dict("<i4", "(2, 137438953472)");
  text.insert(text.size() - 1, 3, ' ');  // the numbers begin at a multiple of 4, and are mapped
  const std::string header = npy_of(text, "");
  folder.write_text("x.npy", header);
  std::error_code no_room;
  std::filesystem::resize_file(folder / "x.npy", header.size() + (std::uintmax_t{1} << 40),
                               no_room);
  if (no_room) GTEST_SKIP() << "no file of that size here: " << no_room.message();
  folder.write_text("y.npy", npy<std::int64_t>("<i8", "(2,)", {0, 1}));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_DATA, &before), 0);
  const rlimit limited{std::min(rlim_t{1} << 40, before.rlim_max), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_DATA, &limited), 0);
  const std::string message = error("{train: x.npy, train_targets: y.npy}");
  ASSERT_EQ(::setrlimit(RLIMIT_DATA, &before), 0);
  EXPECT_THAT(message, HasSubstr("as float64, need 2199.0 GB of memory"));
}

TEST_F(Arrays, OptionsOfPicturesAreForPictures) {
  folder.write_text("x.npy", by_numpy());
  folder.write_text("y.npy", bytes_from("(3,)", 3));
  options.size = 2;
  EXPECT_THAT(error("{train: x.npy, train_targets: y.npy}"), HasSubstr("data.size"));
}

TEST_F(Arrays, ThatAreNotSoundAreNamed) {
  const std::string two = std::string(8, '\0');
  const std::vector<std::pair<std::string, const char*>> bad = {
      {"some text", "neither an .npy, an .npz nor a safetensors file"},
      {"\x93NUMPY", "cut short"},
      {npy_of(dict("<f4", "(2,)"), two, 7), "its version is 7"},
      {npy_of(dict("<f4", "(2,)"), "").substr(0, 30), "cut short"},
      {npy_of(dict("<f4", "(2,)"), two.substr(1)), "2 of F32 need 8 bytes, and it holds 7"},
      {npy_of(dict("<f4", "(2,)"), two + "x"), "it goes on after them"},
      {npy_of(dict(">f4", "(2,)"), two), "big-endian"},
      {npy_of(dict("|O", "(2,)"), two), "a pickle, which is never run"},
      {npy_of(dict("<U1", "(2,)"), two), "neither numbers"},
      {npy_of(dict("<c8", "(1,)"), two), "neither numbers"},
      {npy_of("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", two),
       "records of fields"},
      {npy_of("{'descr': '<f4', 'shape': (2,), }", two), "lacks `descr`, `fortran_order`"},
      {npy_of("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,), }", two), "no truth value"},
      {npy_of("{'descr': '<f4", two), "open quote"},
      {npy_of(dict("<f4", "(-2,)"), two), "a length '-2'"},
      {npy_of(dict("<f4", "(4294967296, 4294967296)"), two), "more than any memory"},
      {npy_of(dict("<f4", "(99999999999,)"), two), "cut short"},
      {npy_of(dict("<f4", "(0, 3)"), ""), "holds no samples"},
      {npy<float>("<f4", "()", {1}), "holds no samples"},
      {npy<float>("<f4", "(3, 1)", {1, 2, 3}), "has 3 samples, but"},
      {npy<float>("<f4", "(2, 1)", {1, std::numeric_limits<float>::quiet_NaN()}),
       "sample 1 (counted from 0) holds NaN"},
      {npy<double>("<f8", "(2, 1)", {1e300, 1}), "sample 0 (counted from 0)"}};
  for (const auto& [bytes, said] : bad) {
    const std::string message = input_error(bytes);
    EXPECT_THAT(message, HasSubstr(said));
    EXPECT_THAT(message, HasSubstr("x.npy"));
  }
  const auto classes = TargetKind::classes;
  const auto values = TargetKind::values;
  const std::string infinite =
      npy<double>("<f8", "(2,)", {1, std::numeric_limits<double>::infinity()});
  EXPECT_THAT(target_error(infinite), HasSubstr("sample 1 (counted from 0)"));
  EXPECT_THAT(target_error(npy<float>("<f4", "(2,)", {1, 2}), classes), HasSubstr("whole numbers"));
  EXPECT_THAT(target_error(npy<std::int64_t>("<i8", "(2,)", {-1, 2})), HasSubstr("label -1"));
  EXPECT_THAT(target_error(bytes_from("(2, 3)", 6), classes), HasSubstr("multi_label"));
  EXPECT_THAT(target_error(bytes_from("(2, 3)", 6), TargetKind::labels),
              HasSubstr("sample 0 (counted from 0) has another number"));
  EXPECT_THAT(target_error(bytes_from("(2, 1, 3)", 6), values), HasSubstr("[N, values]"));
  EXPECT_THAT(error("{train: x.npy}"), HasSubstr("`train_targets`"));
}

TEST_F(Arrays, OfBothSplitsMustBeAlike) {
  folder.write_text("x.npy", by_numpy());
  folder.write_text("y.npy", npy<float>("<f4", "(3,)", {1, 2, 3}));
  folder.write_text("u.npy", npy<float>("<f4", "(1, 3)", {1, 2, 3}));
  folder.write_text("v.npy", npy<float>("<f4", "(1, 2)", {1, 2}));
  folder.write_text("w.npy", npy<float>("<f4", "(1, 2)", {1, 2}));
  const std::string train = "{train: x.npy, train_targets: y.npy, ";
  EXPECT_THAT(error(train + "test: u.npy, test_targets: v.npy}"), HasSubstr("float32 [3, 2], but"));
  EXPECT_THAT(error(train + "test: w.npy, test_targets: v.npy}"), HasSubstr("the same targets"));
  EXPECT_THAT(error(train + "test: x.npy, test_targets: y.npy}"), HasSubstr("both splits"));
  EXPECT_THAT(error(train + "test: ./x.npy, test_targets: y.npy}"), HasSubstr("both splits"));
  EXPECT_THAT(error(train + "test: sub/x.npy, test_targets: y.npy}"), HasSubstr("no file sub/x"));
}

}  // namespace
}  // namespace onecycle
