#pragma once

#include "onecycle/descriptors.h"
#include "onecycle/error.h"

#include "support/choices.h"
#include "support/temporary_folder.h"

#include <bit>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <zlib.h>

namespace onecycle {

using Bytes = std::vector<std::uint8_t>;

inline Bytes gzipped(const Bytes& bytes) {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY);
  Bytes result(deflateBound(&stream, bytes.size()) + 32);
  stream.next_in = const_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = result.data();
  stream.avail_out = static_cast<uInt>(result.size());
  deflate(&stream, Z_FINISH);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

inline void append_big_endian(Bytes& bytes, std::uint64_t value, int count) {
  for (int i = count - 1; i >= 0; --i) bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

// An IDX file: type 0x08, 0x0D or 0x0E.
inline Bytes idx(std::uint8_t type, const std::vector<std::uint32_t>& sizes, const Bytes& payload) {
  Bytes bytes = {0, 0, type, static_cast<std::uint8_t>(sizes.size())};
  for (const std::uint32_t size : sizes) append_big_endian(bytes, size, 4);
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

inline Bytes counting(std::size_t count, int first = 0) {
  Bytes bytes;
  for (std::size_t i = 0; i < count; ++i)
    bytes.push_back(static_cast<std::uint8_t>(first + static_cast<int>(i)));
  return bytes;
}

// The section of a recipe for a map written as Values.
inline Value map_of(const std::vector<std::pair<std::string, Value>>& members) {
  Value map = Value::map();
  for (const auto& [key, value] : members) map.set(key, value);
  return map;
}

// A data set of IDX files a, b (training) and c, d (test) in `folder`.
inline DatasetDescriptor idx_descriptor(const TemporaryFolder& folder) {
  DatasetDescriptor descriptor;
  descriptor.name = "small";
  descriptor.format = chosen(builtin_formats(), "idx",
                             "{train_images: a, train_labels: b, test_images: c, test_labels: d}");
  descriptor.folders = {folder.path()};
  descriptor.get = "ask its author";
  return descriptor;
}

// 12 training and 3 test images of 2x3 pixels in 3 classes.
inline void write_small_idx(const TemporaryFolder& folder) {
  folder.write("a", idx(0x08, {12, 2, 3}, counting(72)));
  folder.write("b", idx(0x08, {12}, {0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2}));
  folder.write("c", idx(0x08, {3, 2, 3}, counting(18, 100)));
  folder.write("d", idx(0x08, {3}, {2, 1, 0}));
}

// The message with which loading fails; one line, as every message for a user.
inline std::string data_error(const DataOptions& options, const DatasetDescriptor& descriptor) {
  try {
    load_data(options, descriptor);
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

// Loads files of one format from a folder, all of the training split to train on.
class FormatTest : public testing::Test {
 protected:
  FormatTest(const std::string& name, std::string format) : format_(std::move(format)) {
    descriptor.name = name;
    descriptor.folders = {folder.path()};
    options.validation = 0;
  }

  DataSet load(const std::string& chosen_options, std::optional<TargetKind> targets = {}) {
    descriptor.format = chosen(builtin_formats(), format_, chosen_options);
    return load_data(options, descriptor, builtin_formats(), {}, targets);
  }
  std::string error(const std::string& chosen_options, std::optional<TargetKind> targets = {}) {
    try {
      load(chosen_options, targets);
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      return error.what();
    }
    return "no error";
  }

  TemporaryFolder folder;
  DataOptions options;
  DatasetDescriptor descriptor;

 private:
  std::string format_;
};

}  // namespace onecycle
