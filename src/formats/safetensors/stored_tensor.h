#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace onecycle {

// A tensor as it lies in a file: little-endian, row-major unless it has strides, and not aligned.
struct StoredTensor {
  std::string name;
  // As safetensors names them: "F64", "F32", "F16", "BF16", "I64", "U8", "BOOL"; else what the
  // file calls it ("F8_E4M3", "sparse"), and its numbers are not read: element_bytes is 0.
  std::string dtype;
  std::vector<std::int64_t> shape;
  const void* data = nullptr;              // the first element
  std::uint64_t bytes = 0;                 // of its elements
  std::vector<std::int64_t> strides = {};  // in elements, none negative; empty: contiguous
};

constexpr std::size_t kMostDimensions = 16;

// 0 for an unknown dtype.
std::uint64_t element_bytes(const std::string& dtype);

// The number of elements; nothing where a length is negative, or where lengths or what they make
// are beyond what memory could hold.
std::optional<std::uint64_t> num_elements(const std::vector<std::int64_t>& shape);

// Throws CheckpointError for a name that is empty, longer than any, or not printable ASCII: names
// go into messages, JSON and other files.
void check_tensor_name(std::string_view name);

// "64x3x7x7", or "scalar".
std::string shape_text(const std::vector<std::int64_t>& shape);

}  // namespace onecycle
