#pragma once

#include <cstdint>
#include <string>
#include <vector>

// IDX, the format of MNIST: two zero bytes, the element type, the number of dimensions, each
// dimension as a big-endian uint32, then the elements, big-endian, last dimension fastest
// (Y. LeCun, C. Cortes, C. Burges, "The MNIST database").
namespace onecycle {

enum class IdxType : std::uint8_t {
  uint8 = 0x08,
  int8 = 0x09,
  int16 = 0x0B,
  int32 = 0x0C,
  float32 = 0x0D,
  float64 = 0x0E
};

struct IdxArray {
  IdxType type = IdxType::uint8;
  std::vector<std::int64_t> sizes;
  std::vector<std::uint8_t> bytes;
};

std::uint64_t element_bytes(IdxType type);  // 0 for what is no type

std::string sizes_text(const std::vector<std::int64_t>& sizes);  // "60000x28x28"

// A whole file, plain or gzip. Throws DataError for anything but one that is as long as its header
// says.
IdxArray read_idx(const std::string& path);

// Those of an integer type. Throws DataError for floating-point numbers.
std::vector<std::int64_t> read_integers(const IdxArray& array, const std::string& path);

// As float32, of any type; throws for values that are not finite, naming the first sample.
std::vector<float> read_floats(const IdxArray& array, const std::string& path);

}  // namespace onecycle
