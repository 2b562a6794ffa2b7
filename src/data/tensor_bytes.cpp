#include "data/tensor_bytes.h"

#include "onecycle/error.h"

#include "core/text/format.h"

#include <cmath>
#include <cstring>
#include <utility>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

constexpr std::pair<const char*, at::ScalarType> kTypes[] = {
    {"F32", at::kFloat}, {"F64", at::kDouble}, {"BF16", at::kBFloat16}, {"F16", at::kHalf},
    {"I64", at::kLong},  {"I32", at::kInt},    {"I16", at::kShort},     {"I8", at::kChar},
    {"U8", at::kByte},   {"U64", at::kUInt64}, {"U32", at::kUInt32},    {"U16", at::kUInt16}};

at::ScalarType loaded_type(const StoredTensor& stored) {
  // Any byte may stand in a file; a bool in memory is 0 or 1.
  if (stored.dtype == "BOOL") return at::kByte;
  for (const auto& [name, type] : kTypes)
    if (stored.dtype == name) return type;
  throw CheckpointError(
      format("{} has type {}, which cannot be loaded", stored.name, stored.dtype));
}

// Elements from the first to the last, with those between that strides leave out.
std::int64_t span_of(const StoredTensor& stored, std::uint64_t element) {
  if (stored.strides.empty() || stored.bytes == 0)
    return static_cast<std::int64_t>(stored.bytes / element);
  std::int64_t last = 0;
  for (std::size_t i = 0; i < stored.shape.size(); ++i)
    last += (stored.shape[i] - 1) * stored.strides[i];
  return last + 1;
}

}  // namespace

StoredTensor stored(const std::string& name, const at::Tensor& tensor) {
  StoredTensor result;
  result.name = name;
  result.shape = tensor.sizes().vec();
  result.data = tensor.const_data_ptr();
  result.bytes = static_cast<std::uint64_t>(tensor.nbytes());
  for (const auto& [dtype, type] : kTypes)
    if (type == tensor.scalar_type()) result.dtype = dtype;
  if (tensor.scalar_type() == at::kBool) result.dtype = "BOOL";
  if (!result.dtype.empty()) return result;
  throw CheckpointError(
      format("weights of type {} cannot be stored", at::toString(tensor.scalar_type())));
}

void check_loadable(const StoredTensor& stored) { (void)loaded_type(stored); }

void check_finite(const std::string& name, const at::Tensor& tensor, at::ScalarType type) {
  if (!tensor.is_floating_point() || !at::isFloatingType(type) || tensor.numel() == 0) return;
  // NaN is both the least and the largest number.
  const auto [low, high] = at::aminmax(tensor);
  const double least = low.to(type).item<double>();
  const double largest = high.to(type).item<double>();
  if (std::isfinite(least) && std::isfinite(largest)) return;
  throw CheckpointError(format("{} holds {}; use an intact copy", name,
                               std::isnan(least) ? "NaN" : "an infinite value"));
}

at::Tensor tensor_of(const StoredTensor& stored) {
  const at::ScalarType type = loaded_type(stored);
  const std::uint64_t element = element_bytes(stored.dtype);
  const std::int64_t span = span_of(stored, element);
  at::Tensor flat;
  if (reinterpret_cast<std::uintptr_t>(stored.data) % element == 0) {
    // from_blob takes no const pointer; callers only read.
    flat = at::from_blob(const_cast<void*>(stored.data), {span}, type);
  } else {
    flat = at::empty({span}, type);
    std::memcpy(flat.mutable_data_ptr(), stored.data, static_cast<std::size_t>(span) * element);
  }
  return stored.strides.empty() ? flat.view(stored.shape)
                                : flat.as_strided(stored.shape, stored.strides);
}

void copy_numbers(const StoredTensor& stored, at::Tensor target) {
  const bool same = target.is_cpu() && target.is_contiguous() && stored.dtype != "BOOL" &&
                    target.scalar_type() == loaded_type(stored) &&
                    (stored.strides.empty() || stored.strides == target.strides().vec());
  if (same && target.nbytes() > 0 && stored.bytes >= target.nbytes()) {
    std::memcpy(target.mutable_data_ptr(), stored.data, target.nbytes());
  } else {
    target.copy_(tensor_of(stored));
  }
}

}  // namespace onecycle
