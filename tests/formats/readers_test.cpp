// Files of weights that PyTorch wrote (tests/fuzz/weights_corpus.py), and files that lie.

#include "onecycle/error.h"

#include "formats/weights_file.h"
#include "support/places.h"
#include "support/temporary_folder.h"

#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

namespace onecycle {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kCorpus = source_dir() + "/tests/fuzz/corpus/weights/";

template <class T>
T element(const StoredTensor& tensor, std::int64_t row, std::int64_t column) {
  T value;
  const std::int64_t place = row * tensor.strides[0] + column * tensor.strides[1];
  std::memcpy(&value,
              static_cast<const char*>(tensor.data) + place * static_cast<std::int64_t>(sizeof(T)),
              sizeof(T));
  return value;
}

std::string bytes_of(const StoredTensor& tensor) {
  return {static_cast<const char*>(tensor.data), tensor.bytes};
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::map<std::string, StoredTensor> by_name(const WeightsContent& content) {
  std::map<std::string, StoredTensor> result;
  for (const StoredTensor& tensor : content.tensors) result[tensor.name] = tensor;
  return result;
}

void expect_corpus(const WeightsContent& content, const std::string& prefix) {
  auto tensors = by_name(content);
  ASSERT_EQ(tensors.size(), 12u);
  const StoredTensor& plain = tensors[prefix + "f32"];
  EXPECT_EQ(plain.dtype, "F32");
  EXPECT_EQ(plain.shape, (std::vector<std::int64_t>{3, 4}));
  const StoredTensor& turned = tensors[prefix + "transposed"];
  EXPECT_EQ(turned.shape, (std::vector<std::int64_t>{4, 3}));
  for (std::int64_t i = 0; i < 3; ++i)
    for (std::int64_t j = 0; j < 4; ++j) {
      EXPECT_EQ(element<float>(plain, i, j), static_cast<float>(4 * i + j));
      EXPECT_EQ(element<float>(turned, j, i), static_cast<float>(4 * i + j));
    }
  EXPECT_EQ(bytes_of(tensors[prefix + "tail"]), bytes_of<float>({5, 6, 7, 8}));
  EXPECT_EQ(bytes_of(tensors[prefix + "f64"]), bytes_of<double>({0.5, -0.25}));
  EXPECT_EQ(tensors[prefix + "f64"].dtype, "F64");
  EXPECT_EQ(bytes_of(tensors[prefix + "f16"]), bytes_of<std::uint16_t>({0x3e00, 0xc000}));
  EXPECT_EQ(tensors[prefix + "f16"].dtype, "F16");
  EXPECT_EQ(bytes_of(tensors[prefix + "bf16"]), bytes_of<std::uint16_t>({0x3fc0, 0xc000}));
  EXPECT_EQ(tensors[prefix + "bf16"].dtype, "BF16");
  EXPECT_EQ(bytes_of(tensors[prefix + "i64"]), bytes_of<std::int64_t>({7}));
  EXPECT_TRUE(tensors[prefix + "i64"].shape.empty());
  EXPECT_EQ(bytes_of(tensors[prefix + "bool"]), std::string("\1\0", 2));
  EXPECT_EQ(tensors[prefix + "tied"].data, tensors[prefix + "tied2"].data);
  EXPECT_EQ(bytes_of(tensors[prefix + "tied"]), bytes_of<float>({0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(tensors[prefix + "empty"].bytes, 0u);
  EXPECT_EQ(bytes_of(tensors[prefix + "parameter"]), bytes_of<float>({1, 1}));
}

// "" for bytes that are read, else the message.
std::string message_of(const std::string& bytes) {
  try {
    (void)parse_weights(bytes);
    return "";
  } catch (const CheckpointError& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
    return error.what();
  }
}

std::string replaced(std::string bytes, const std::string& old, const std::string& by) {
  const std::size_t at = bytes.find(old);
  EXPECT_NE(at, std::string::npos) << old;
  return bytes.replace(at, old.size(), by);
}

TEST(WeightsFile, ReadsWhatPyTorchWrites) {
  const WeightsFile archive(kCorpus + "archive.pth");
  EXPECT_EQ(archive.content().kind, WeightsKind::torch_archive);
  expect_corpus(archive.content(), "");
  const WeightsFile legacy(kCorpus + "legacy.pth");
  EXPECT_EQ(legacy.content().kind, WeightsKind::torch_legacy);
  expect_corpus(legacy.content(), "");
  for (const char* name : {"wrapped.pth", "legacy-wrapped.pth"}) {
    const WeightsFile wrapped(kCorpus + name);
    EXPECT_EQ(wrapped.content().member, "state_dict");
    expect_corpus(wrapped.content(), "module.");
  }
}

TEST(WeightsFile, ReadsOtherProgramsSafetensors) {
  const WeightsFile file(kCorpus + "small.safetensors");
  auto tensors = by_name(file.content());
  EXPECT_EQ(tensors["a"].dtype, "F16");
  EXPECT_EQ(bytes_of(tensors["a"]), std::string("\0\1\2\3\4\5\6\7", 8));
  EXPECT_EQ(tensors["b"].dtype, "BOOL");
}

TEST(WeightsFile, NamesWhatItRefuses) {
  EXPECT_THAT(message_of(read_bytes(kCorpus + "module.pth")),
              HasSubstr("refused: the pickle wants torch.nn.modules.linear.Linear;"));
  EXPECT_EQ(message_of("cos\nsystem\n(S'id'\ntR."), "refused: the pickle wants os.system");
  EXPECT_THAT(message_of("hello"), HasSubstr("not a file of weights"));
  const TemporaryFolder folder;
  const std::string path = folder.write_text("a.pth", "hello");
  EXPECT_THAT([&] { WeightsFile file(path); },
              testing::ThrowsMessage<CheckpointError>(testing::StartsWith(path + ": not a file")));
  EXPECT_THAT([&] { WeightsFile file(folder.write_text("none.pth", "")); },
              testing::ThrowsMessage<CheckpointError>(HasSubstr("it is empty")));
  EXPECT_THAT([&] { WeightsFile file(folder.path()); },
              testing::ThrowsMessage<CheckpointError>(HasSubstr("it is not a regular file")));
}

TEST(WeightsFile, EveryTruncationIsAnError) {
  for (const char* name : {"archive.pth", "wrapped.pth", "legacy.pth", "small.safetensors"}) {
    const std::string bytes = read_bytes(kCorpus + name);
    for (std::size_t length = 0; length < bytes.size(); ++length)
      ASSERT_NE(message_of(bytes.substr(0, length)), "") << name << " " << length;
  }
}

TEST(WeightsFile, EveryFlippedBitOfAnArchivesNumbersIsFound) {
  const std::string bytes = read_bytes(kCorpus + "archive.pth");
  const std::size_t numbers = bytes.find(bytes_of<float>({0, 1, 2, 3}));
  ASSERT_NE(numbers, std::string::npos);
  for (std::size_t bit = 0; bit < 8 * 16; ++bit) {
    std::string flipped = bytes;
    flipped[numbers + bit / 8] = static_cast<char>(flipped[numbers + bit / 8] ^ (1 << bit % 8));
    EXPECT_THAT(message_of(flipped), HasSubstr("checksum")) << bit;
  }
}

std::string safetensors(const std::string& header, const std::string& data = "") {
  const std::uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + header + data;
}

// Looked through after each of them, or to its end for each, the list takes minutes.
TEST(WeightsFile, ListsOfManyEmptyTensors) {
  std::string header = "{";
  for (int i = 0; i < 200'000; ++i)
    header += (i > 0 ? ",\"t" : "\"t") + std::to_string(i) +
              R"(":{"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
  EXPECT_EQ(parse_weights(safetensors(header + "}")).tensors.size(), 200'000u);
  EXPECT_THAT(message_of(safetensors(header +
                                     R"(,"t7":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})")),
              HasSubstr("t7 is listed twice"));
}

TEST(WeightsFile, SafetensorsHeadersOfOtherShapes) {
  const std::string numbers = bytes_of<float>({1, 2});
  const auto tensor = [&](const std::string& members) {
    return message_of(safetensors("{\"a\":{" + members + "}}", numbers));
  };
  EXPECT_EQ(tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,8])"), "");
  EXPECT_EQ(tensor(R"("x":{"y":[1]},"dtype":"F32","shape":[2],"data_offsets":[0,8],"z":null)"), "");
  for (const char* members :
       {R"("shape":[2],"data_offsets":[0,8])", R"("dtype":"F32","data_offsets":[0,8])",
        R"("dtype":"F32","shape":[2])", R"("dtype":"F32","shape":[2],"data_offsets":[0])",
        R"("dtype":"F32","shape":[2],"data_offsets":[0,8,8])",
        R"("dtype":"F32","shape":[[2]],"data_offsets":[0,8])",
        R"("dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8])",
        R"("dtype":"F32","shape":{"a":2},"data_offsets":[0,8])",
        R"("dtype":"F32","shape":2,"data_offsets":[0,8])",
        R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])",
        R"("dtype":"F32","shape":[2.0],"data_offsets":[0,8])",
        R"("dtype":"F32","shape":["2"],"data_offsets":[0,8])",
        R"("dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8])",
        R"("dtype":1,"shape":[2],"data_offsets":[0,8])", R"("a":[[[[1]]]])"})
    EXPECT_NE(tensor(members), "") << members;
  for (const char* header : {"[]", "{\"a\":1}", "{\"a\":[1]}", "{\"a\":null}", "{", "{}{}", "1",
                             "{\"__metadata__\":{\"a\":1}}", "{\"__metadata__\":{\"a\":[]}}",
                             "{\"__metadata__\":[]}", "{\"\\u0000\":{}}"})
    EXPECT_NE(message_of(safetensors(header)), "") << header;
  EXPECT_EQ(parse_weights(safetensors(R"({"__metadata__":{"a":"b"}})")).metadata.at("a"), "b");
  EXPECT_TRUE(parse_weights(safetensors(R"({"__metadata__":null})")).metadata.empty());
}

// Of other dtypes the numbers are passed over.
TEST(WeightsFile, SafetensorsWithOneUnreadDtype) {
  const auto file = [](const std::string& dtype, const std::string& members) {
    return safetensors(R"({"a":{"dtype":")" + dtype + R"(",)" + members +
                           R"(},"b":{"dtype":"F32","shape":[1],"data_offsets":[3,7]}})",
                       "xyz" + bytes_of<float>({2}));
  };
  const std::string three = R"("shape":[3],"data_offsets":[0,3])";
  for (const char* dtype : {"F8_E4M3", "F4", "C64"}) {
    const std::string bytes = file(dtype, three);
    auto tensors = by_name(parse_weights(bytes));
    EXPECT_EQ(tensors["a"].dtype, dtype);
    EXPECT_EQ(element_bytes(dtype), 0u);
    EXPECT_EQ(bytes_of(tensors["b"]), bytes_of<float>({2}));
  }
  EXPECT_NE(message_of(file("", three)), "");
  EXPECT_NE(message_of(file("a name longer than any dtype", three)), "");
  EXPECT_NE(message_of(file("F4", R"("shape":[3],"data_offsets":[0,4])")), "");
  EXPECT_NE(message_of(file("F4", R"("shape":[1000],"data_offsets":[0,3])")), "");
}

// A legacy file with one tensor "a" over storage "0"; what it says of them is the caller's.
std::string lying_file(const std::string& id_count, const std::string& offset,
                       const std::string& size, const std::string& stride, std::uint64_t stored) {
  const std::string prefix = read_bytes(kCorpus + "legacy.pth");
  const std::string machine = prefix.substr(0, prefix.find(std::string("\x75\x2e", 2)) + 2);
  std::string file = machine +
                     "}(S'a'\nctorch._utils\n_rebuild_tensor\n((S'storage'\nctorch\nFloatStorage\n"
                     "S'0'\nS'cpu'\nI" +
                     id_count + "\ntQI" + offset + "\n" + size + stride + "tRu.";
  file += "](S'0'\ne.";
  file.append(reinterpret_cast<const char*>(&stored), 8);
  return file + bytes_of<float>({1, 2, 3, 4, 5, 6});
}

TEST(WeightsFile, SizesThatLie) {
  const std::string two_by_three = "I2\nI3\n\x86";
  const std::string rows = "I3\nI1\n\x86";
  EXPECT_EQ(message_of(lying_file("6", "0", two_by_three, rows, 6)), "");
  EXPECT_EQ(message_of(lying_file("6", "2", "I2\n\x85", "I3\n\x85", 6)), "");
  for (const auto& lie : {
           lying_file("6", "1", two_by_three, rows, 6),   // ends beyond the storage
           lying_file("6", "-1", two_by_three, rows, 6),  // begins before it
           lying_file("6", "0", "I-2\nI-3\n\x86", rows, 6),
           lying_file("6", "0", two_by_three, "I-3\nI1\n\x86", 6),
           lying_file("6", "0", two_by_three, "I4\nI1\n\x86", 6),
           lying_file("6", "0", two_by_three, "I1\nI1\n\x86", 6),  // overlapping
           lying_file("6", "0", two_by_three, "I0\nI0\n\x86", 6),
           lying_file("6", "0", two_by_three, "I9223372036854775807\nI9223372036854775807\n\x86",
                      6),
           lying_file("6", "0", "I4294967296\nI4294967296\n\x86", rows, 6),
           lying_file("6", "0", "I0\nI9223372036854775807\n\x86", rows, 6),
           lying_file("6", "0", "I6\n\x85", rows, 6),
           lying_file("6", "7", "I0\n\x85", "I1\n\x85", 6),
           lying_file("6", "0", "NN\x86", rows, 6),
       })
    EXPECT_THAT(message_of(lie), HasSubstr("refused: a: ")) << lie;
  for (const auto& lie :
       {lying_file("7", "0", two_by_three, rows, 6), lying_file("6", "0", two_by_three, rows, 5),
        lying_file("-1", "0", two_by_three, rows, 6),
        lying_file("9223372036854775807", "0", two_by_three, rows, 9223372036854775807u)})
    EXPECT_NE(message_of(lie), "");
}

TEST(WeightsFile, ArchivesThatLie) {
  const std::string bytes = read_bytes(kCorpus + "archive.pth");
  const std::size_t list = bytes.find("PK\x01\x02");
  const auto changed = [&](std::size_t at, const std::string& by) {
    std::string copy = bytes;
    return copy.replace(list + at, by.size(), by);
  };
  EXPECT_THAT(message_of(changed(10, std::string("\x08\0", 2))), HasSubstr("compressed"));
  EXPECT_THAT(message_of(changed(24, "\xff\xff\xff\x7f")), HasSubstr("compressed"));
  EXPECT_THAT(message_of(changed(20, "\xff\xff\xff\x7f\xff\xff\xff\x7f")),
              HasSubstr("offsets are wrong"));
  EXPECT_THAT(message_of(changed(8, std::string("\1\0", 2))), HasSubstr("encrypted"));
  EXPECT_THAT(message_of(changed(42, "\x10")), HasSubstr("not where it is listed"));
  EXPECT_THAT(message_of(changed(42, "\xff\xff\xff\x7f")), HasSubstr("offsets are wrong"));
  // The same length: archive/data.pkl.
  EXPECT_THAT(message_of(changed(46, "../../../etc/pkl")), HasSubstr("leaves its folder"));
  EXPECT_THAT(message_of(changed(46, "/rchive/data.pkl")), HasSubstr("leaves its folder"));
  EXPECT_THAT(message_of(replaced(bytes, "little", "bigbig")), HasSubstr("not little-endian"));
  EXPECT_THAT(message_of(replaced(bytes, "PK\x05\x06", "PK\x05\x07")), HasSubstr("end record"));
}

}  // namespace
}  // namespace onecycle
