#include "data/formats/idx_array.h"

#include "onecycle/error.h"

#include "core/memory/host_memory.h"
#include "core/text/format.h"
#include "data/byte_source.h"

#include <bit>
#include <cmath>

namespace onecycle {

std::uint64_t element_bytes(IdxType type) {
  switch (type) {
    case IdxType::uint8:
    case IdxType::int8:
      return 1;
    case IdxType::int16:
      return 2;
    case IdxType::int32:
    case IdxType::float32:
      return 4;
    case IdxType::float64:
      return 8;
  }
  return 0;
}

std::string sizes_text(const std::vector<std::int64_t>& sizes) { return joined(sizes, "x"); }

namespace {

template <class T>
T big_endian(const std::uint8_t* bytes) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value << 8 | bytes[i]);
  return value;
}

std::int64_t integer_at(IdxType type, const std::uint8_t* bytes) {
  switch (type) {
    case IdxType::int8:
      return static_cast<std::int8_t>(*bytes);
    case IdxType::int16:
      return static_cast<std::int16_t>(big_endian<std::uint16_t>(bytes));
    case IdxType::int32:
      return static_cast<std::int32_t>(big_endian<std::uint32_t>(bytes));
    default:
      return *bytes;
  }
}

float float_at(IdxType type, const std::uint8_t* bytes) {
  if (type == IdxType::float32) return std::bit_cast<float>(big_endian<std::uint32_t>(bytes));
  if (type == IdxType::float64)
    return static_cast<float>(std::bit_cast<double>(big_endian<std::uint64_t>(bytes)));
  return static_cast<float>(integer_at(type, bytes));
}

// The header; the product of the sizes stays below 2^62 or the file is refused.
IdxArray read_header(ByteSource& source, std::uint64_t& payload) {
  const auto magic = source.read(4);
  if (magic.size() < 4)
    throw DataError(
        format("{}: truncated: {} bytes are too few for an IDX header; get the file "
               "again",
               source.path(), magic.size()));
  IdxArray array;
  array.type = static_cast<IdxType>(magic[2]);
  if (magic[0] != 0 || magic[1] != 0 || element_bytes(array.type) == 0 || magic[3] < 1 ||
      magic[3] > 4)
    throw DataError(
        format("{}: not an IDX file of 1 to 4 dimensions: it starts with {:02x} {:02x} {:02x} "
               "{:02x}; check which file it is",
               source.path(), magic[0], magic[1], magic[2], magic[3]));
  const auto sizes = source.read(4u * magic[3]);
  if (sizes.size() < 4u * magic[3])
    throw DataError(
        format("{}: truncated within its IDX header; get the file again", source.path()));
  payload = element_bytes(array.type);
  bool too_large = false;
  for (std::size_t i = 0; i < magic[3]; ++i) {
    const auto size = big_endian<std::uint32_t>(sizes.data() + 4 * i);
    array.sizes.push_back(size);
    if (size != 0 && payload > (std::uint64_t{1} << 62) / size) too_large = true;
    payload *= size;
  }
  if (too_large || payload > source.most())
    throw DataError(
        format("{}: truncated: its header announces {} elements of {} bytes, more than "
               "the file can hold; get the file again",
               source.path(), sizes_text(array.sizes), element_bytes(array.type)));
  return array;
}

}  // namespace

IdxArray read_idx(const std::string& path) {
  ByteSource source(path);
  std::uint64_t payload = 0;
  IdxArray array = read_header(source, payload);
  // A packed file of a few megabytes may unpack to more than there is.
  if (const std::int64_t room = available_host_memory(); payload > static_cast<std::uint64_t>(room))
    throw DataError(format("{}: its {} elements need {:.1f} GB of memory, and {:.1f} GB are free",
                           path, sizes_text(array.sizes), static_cast<double>(payload) / 1e9,
                           static_cast<double>(room) / 1e9));
  array.bytes = source.read(payload);
  if (array.bytes.size() < payload)
    throw DataError(
        format("{}: truncated: its header announces {} bytes ({}), it holds {}; get the "
               "file again",
               path, payload, sizes_text(array.sizes), array.bytes.size()));
  if (!source.read(1).empty())
    throw DataError(
        format("{}: oversized: it goes on after the {} bytes ({}) that its header "
               "announces; get the file again",
               path, payload, sizes_text(array.sizes)));
  return array;
}

std::vector<std::int64_t> read_integers(const IdxArray& array, const std::string& path) {
  if (array.type == IdxType::float32 || array.type == IdxType::float64)
    throw DataError(path + ": holds floating-point numbers, not labels; check which file it is");
  const std::size_t width = element_bytes(array.type);
  std::vector<std::int64_t> values(array.bytes.size() / width);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = integer_at(array.type, array.bytes.data() + i * width);
  return values;
}

std::vector<float> read_floats(const IdxArray& array, const std::string& path) {
  const std::size_t width = element_bytes(array.type);
  std::vector<float> values(array.bytes.size() / width);
  const std::size_t sample_size = values.size() / static_cast<std::size_t>(array.sizes[0]);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = float_at(array.type, array.bytes.data() + i * width);
    if (!std::isfinite(values[i]))
      throw DataError(
          format("{}: sample {} (counted from 0) holds {}; every pixel must be a finite "
                 "float32",
                 path, i / sample_size, std::isnan(values[i]) ? "NaN" : "an infinite value"));
  }
  return values;
}

}  // namespace onecycle
