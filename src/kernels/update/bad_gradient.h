#pragma once

#include "kernels/update/update_tensor.h"

#include <cmath>

namespace onecycle::kernels {

template <class G, std::int64_t kStep>
ONECYCLE_HOST_DEVICE bool has_bad(const UpdateTensor& tensor, std::int64_t begin,
                                  std::int64_t end) {
  const G* gradient = static_cast<const G*>(tensor.gradient);
  bool bad = false;
  for (std::int64_t i = begin; i < end; i += kStep) bad |= !std::isfinite(widened(gradient[i]));
  return bad;
}

// Whether one of the elements begin, begin + kStep, ... before `end` of a tensor's gradient is not
// finite.
template <std::int64_t kStep>
ONECYCLE_HOST_DEVICE bool has_bad_of_type(const UpdateTensor& tensor, std::int64_t begin,
                                          std::int64_t end) {
  switch (tensor.gradient_type) {
    case ScalarType::f32:
      return has_bad<float, kStep>(tensor, begin, end);
    case ScalarType::f64:
      return has_bad<double, kStep>(tensor, begin, end);
    case ScalarType::bf16:
      return has_bad<BFloat16, kStep>(tensor, begin, end);
    case ScalarType::f16:
      return has_bad<Float16, kStep>(tensor, begin, end);
  }
  return false;
}

}  // namespace onecycle::kernels
