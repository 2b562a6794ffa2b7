#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>

namespace onecycle {

// A CPU tensor that owns `values`; sizes multiply to their number.
template <class T>
at::Tensor tensor_of(std::vector<T> values, const std::vector<std::int64_t>& sizes) {
  auto held = std::make_shared<std::vector<T>>(std::move(values));
  return at::from_blob(
      held->data(), sizes, [held](void*) {}, c10::CppTypeToScalarType<T>::value);
}

}  // namespace onecycle
