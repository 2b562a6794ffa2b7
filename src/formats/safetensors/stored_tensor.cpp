#include "formats/safetensors/stored_tensor.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/text/printable.h"

#include <algorithm>

namespace onecycle {

std::uint64_t element_bytes(const std::string& dtype) {
  if (dtype == "F64" || dtype == "I64" || dtype == "U64") return 8;
  if (dtype == "F32" || dtype == "I32" || dtype == "U32") return 4;
  if (dtype == "F16" || dtype == "BF16" || dtype == "I16" || dtype == "U16") return 2;
  if (dtype == "U8" || dtype == "I8" || dtype == "BOOL") return 1;
  return 0;
}

std::optional<std::uint64_t> num_elements(const std::vector<std::int64_t>& shape) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 48;
  if (shape.size() > kMostDimensions) return std::nullopt;
  // The other lengths count beside a 0 as well: strides are made of them.
  std::uint64_t product = 1;
  bool empty = false;
  for (const std::int64_t length : shape) {
    empty = empty || length == 0;
    const auto factor = static_cast<std::uint64_t>(std::max<std::int64_t>(length, 1));
    if (length < 0 || factor > kMost / product) return std::nullopt;
    product *= factor;
  }
  return empty ? 0 : product;
}

void check_tensor_name(std::string_view name) {
  constexpr std::size_t kLongest = 512;
  if (!name.empty() && name.size() <= kLongest && printable(name, kLongest) == name) return;
  throw CheckpointError(format("refused: a tensor's name is '{}'", printable(name)));
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  return shape.empty() ? "scalar" : joined(shape, "x");
}

}  // namespace onecycle
