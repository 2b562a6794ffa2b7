#pragma once

#include "kernels/update_tensor.h"

namespace onecycle::kernels {

template <class T, class G, class Element>
void update_range(const UpdateTensor& tensor, std::int64_t begin, std::int64_t end,
                  const Element& element) {
  T* __restrict weight = static_cast<T*>(tensor.weight);
  T* __restrict first = static_cast<T*>(tensor.state[0]);
  T* __restrict second = static_cast<T*>(tensor.state[1]);
  const G* __restrict gradient = static_cast<const G*>(tensor.gradient);
  for (std::int64_t i = begin; i < end; ++i) update_at(i, weight, first, second, gradient, element);
  if (tensor.copy == nullptr) return;
  BFloat16* __restrict copy = static_cast<BFloat16*>(tensor.copy);
  for (std::int64_t i = begin; i < end; ++i) copy[i] = to_bfloat16(static_cast<float>(weight[i]));
}

// Elements [begin, end) of one tensor by `Update`, whose element<T>(tensor, hyper) is what each of
// them goes through.
template <class Update>
void update_on_cpu(const UpdateTensor& tensor, std::int64_t begin, std::int64_t end,
                   const Update& update, const double* hyper) {
  const bool narrow = tensor.gradient_type == ScalarType::bf16;
  if (tensor.type == ScalarType::f64) {
    const auto element = update.template element<double>(tensor, hyper);
    narrow ? update_range<double, BFloat16>(tensor, begin, end, element)
           : update_range<double, double>(tensor, begin, end, element);
  } else {
    const auto element = update.template element<float>(tensor, hyper);
    narrow ? update_range<float, BFloat16>(tensor, begin, end, element)
           : update_range<float, float>(tensor, begin, end, element);
  }
}

}  // namespace onecycle::kernels
