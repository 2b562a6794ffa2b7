// Weight files that are whole, cut short or damaged.

#include "formats/safetensors/safetensors.h"

#include "onecycle/error.h"

#include "core/rng.h"
#include "support/temporary_folder.h"

#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::vector<float> kMatrix = {1, 2, 3, 4, 5, 6};
const std::vector<double> kVector = {0.5, -0.25};
const std::int64_t kCount = 7;

std::string whole_file(const TemporaryFolder& folder) {
  const std::string path = folder / "whole";
  write_safetensors(path,
                    {{"model.matrix", "F32", {2, 3}, kMatrix.data(), 24},
                     {"model.vector", "F64", {2}, kVector.data(), 16},
                     {"model.count", "I64", {}, &kCount, 8},
                     {"model.nothing", "F32", {0, 4}, nullptr, 0}},
                    {{"format", "pt"}, {"step", "12"}});
  return read_bytes(path);
}

// A header in the format's frame, before `bytes` of tensors.
std::string framed(const std::string& header, std::size_t bytes) {
  std::string length(8, '\0');
  const std::uint64_t size = header.size();
  std::memcpy(length.data(), &size, 8);
  return length + header + std::string(bytes, '\1');
}

// "" for a file that opens, else the message.
std::string message_of(const std::string& path) {
  try {
    const SafetensorsFile file(path);
    std::uint64_t sum = 0;
    for (const StoredTensor& tensor : file.tensors())
      for (std::uint64_t i = 0; i < tensor.bytes; ++i)
        sum += static_cast<const unsigned char*>(tensor.data)[i];
    return sum < std::uint64_t{1} << 63 ? "" : "impossible";
  } catch (const CheckpointError& error) {
    return error.what();
  }
}

TEST(Safetensors, ReadsWhatWasWritten) {
  const TemporaryFolder folder;
  whole_file(folder);
  const SafetensorsFile file(folder / "whole");
  ASSERT_EQ(file.tensors().size(), 4u);
  const StoredTensor& matrix = file.tensors()[0];
  EXPECT_EQ(matrix.name, "model.matrix");
  EXPECT_EQ(matrix.dtype, "F32");
  EXPECT_EQ(matrix.shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(std::memcmp(matrix.data, kMatrix.data(), 24), 0);
  EXPECT_EQ(std::memcmp(file.tensors()[1].data, kVector.data(), 16), 0);
  EXPECT_TRUE(file.tensors()[2].shape.empty());
  EXPECT_EQ(std::memcmp(file.tensors()[2].data, &kCount, 8), 0);
  EXPECT_EQ(file.tensors()[3].bytes, 0u);
  Metadata metadata = file.metadata();
  EXPECT_EQ(metadata["sha256"].size(), 64u);
  metadata.erase("sha256");
  EXPECT_EQ(metadata, (Metadata{{"format", "pt"}, {"step", "12"}}));
}

TEST(Safetensors, EveryTruncationIsAnError) {
  const TemporaryFolder folder;
  const std::string bytes = whole_file(folder);
  const std::string path = folder / "cut";
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    write_bytes(path, bytes.substr(0, length));
    EXPECT_THAT(message_of(path),
                AllOf(testing::StartsWith(path + ": not a "), Not(HasSubstr("\n"))))
        << length;
  }
  write_bytes(path, bytes + '\0');
  EXPECT_THAT(message_of(path), HasSubstr("after the last tensor"));
}

TEST(Safetensors, DamagedHeadersNeverCrash) {
  const TemporaryFolder folder;
  const std::string bytes = whole_file(folder);
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  const std::string path = folder / "damaged";
  int refused = 0;
  constexpr int kTrials = 2000;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::string damaged = bytes;
    const RandomWords words =
        random_words(1, RandomUse::order, 0, static_cast<std::uint64_t>(trial));
    for (std::uint32_t flip = 0; flip <= words.word[0] % 3; ++flip) {
      const std::uint32_t place =
          bounded(words.word[1] * (flip + 1), static_cast<std::uint32_t>(8 + header));
      damaged[place] = static_cast<char>(words.word[2] >> (8 * flip));
    }
    write_bytes(path, damaged);
    const std::string message = message_of(path);
    refused += !message.empty();
    EXPECT_THAT(message, Not(HasSubstr("\n"))) << trial;
  }
  EXPECT_GT(refused, kTrials / 2);
}

TEST(Safetensors, EveryFlippedBitIsFound) {
  const TemporaryFolder folder;
  write_safetensors(folder / "whole", {{"a", "F32", {2, 3}, kMatrix.data(), 24}},
                    {{"format", "onecycle"}});
  const std::string bytes = read_bytes(folder / "whole");
  ASSERT_EQ(message_of(folder / "whole"), "");
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    write_bytes(folder / "flipped", flipped);
    EXPECT_NE(message_of(folder / "flipped"), "") << "bit " << bit;
  }
}

TEST(Safetensors, HeadersThatLie) {
  const TemporaryFolder folder;
  const std::string path = folder / "lying";
  const auto message = [&](const std::string& header, std::size_t bytes) {
    write_bytes(path, framed(header, bytes));
    return message_of(path);
  };
  const auto entry = [](const std::string& dtype, const std::string& shape,
                        const std::string& offsets) {
    return R"({"a":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" +
           offsets + "}}";
  };
  EXPECT_EQ(message(entry("F32", "[2]", "[0,8]"), 8), "");
  for (const auto& header :
       {entry("F32", "[3]", "[0,8]"), entry("F32", "[2]", "[8,0]"), entry("F32", "[2]", "[0,16]"),
        entry("F32", "[2]", "[8,16]"), entry("F32", "[2]", "[-8,0]"), entry("F32", "[-2]", "[0,8]"),
        entry("F32", "[4611686018427387904,4]", "[0,0]"), entry("F32", "[2]", "[0]"),
        entry("F32", "null", "[0,8]"), entry("F32", "[2]", "8"), entry("F32", "2", "[0,8]"),
        entry("F32", "[2.0]", "[0,8]"),
        std::string(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                    R"("b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})"),
        std::string("[]"), std::string("{"), std::string(R"({"a":1})"),
        std::string(R"({"__metadata__":{"a":1}})"), std::string(R"({"a":{}})")})
    EXPECT_THAT(message(header, 8),
                AllOf(HasSubstr("not a whole safetensors file"), HasSubstr(path)))
        << header;
  const std::string deep(100000, '[');
  EXPECT_THAT(message(deep, 0), Not(testing::IsEmpty()));
}

TEST(Safetensors, HeadersThatCouldNotBeReadAreNotWritten) {
  const TemporaryFolder folder;
  const std::string path = folder / "long";
  EXPECT_THAT(
      [&] {
        write_safetensors(path, {}, {{"a", std::string(100'000'000, 'x')}});
      },
      testing::ThrowsMessage<Error>(HasSubstr("its header would have")));
  EXPECT_THAT(message_of(path), HasSubstr("cannot be read"));
}

TEST(Safetensors, NotAFile) {
  const TemporaryFolder folder;
  EXPECT_THAT(message_of(folder / "absent"), HasSubstr("cannot be read"));
  EXPECT_THAT(message_of(folder / "."), HasSubstr("not a file"));
}

}  // namespace
}  // namespace onecycle
