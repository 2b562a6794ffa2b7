#pragma once

#include "kernels/processor.h"
#include "kernels/update/loss_scale.h"

#include <type_traits>

namespace onecycle::kernels {

template <class T, class Narrow, class Round>
void copy_range(const T* __restrict weight, void* copies, std::int64_t begin, std::int64_t end,
                const Round& round) {
  Narrow* __restrict copy = static_cast<Narrow*>(copies);
  for (std::int64_t i = begin; i < end; ++i) copy[i] = round(static_cast<float>(weight[i]));
}

// The copies that a model computes with, where a tensor has them.
template <class T>
void copy_weights(const UpdateTensor& tensor, const T* weight, std::int64_t begin,
                  std::int64_t end) {
  if (tensor.copy == nullptr) return;
  if (tensor.copy_type == ScalarType::f16)
    copy_range<T, Float16>(weight, tensor.copy, begin, end, to_float16);
  else
    copy_range<T, BFloat16>(weight, tensor.copy, begin, end, to_bfloat16);
}

// A factor of 1 that the compiler knows of costs nothing.
template <class T, class G, bool kScaled, class Element>
void update_range(const UpdateTensor& tensor, std::int64_t begin, std::int64_t end, T unscale,
                  const Element& element) {
  T* __restrict weight = static_cast<T*>(tensor.weight);
  T* __restrict first = static_cast<T*>(tensor.state[0]);
  T* __restrict second = static_cast<T*>(tensor.state[1]);
  const G* __restrict gradient = static_cast<const G*>(tensor.gradient);
  const T factor = kScaled ? unscale : T(1);
  for (std::int64_t i = begin; i < end; ++i)
    update_at(i, weight, first, second, gradient, factor, element);
  copy_weights(tensor, weight, begin, end);
}

template <class T, class G, bool kScaled, class Element>
ONECYCLE_FOR_AVX512 void update_range_avx512(const UpdateTensor& tensor, std::int64_t begin,
                                             std::int64_t end, T unscale, const Element& element) {
  update_range<T, G, kScaled>(tensor, begin, end, unscale, element);
}

// For AVX-512 in the formats that networks train in as a rule: each version costs the compiler
// time.
template <class T, class G, bool kScaled, class Element>
void update_range_here(const UpdateTensor& tensor, std::int64_t begin, std::int64_t end, T unscale,
                       const Element& element) {
  if constexpr (std::is_same_v<T, float> && !kScaled) {
    static const bool wide = has_avx512();
    if (wide) return update_range_avx512<T, G, kScaled>(tensor, begin, end, unscale, element);
  }
  update_range<T, G, kScaled>(tensor, begin, end, unscale, element);
}

template <class T, bool kScaled, class Update>
void update_as(const UpdateTensor& tensor, std::int64_t begin, std::int64_t end,
               const Update& update, const StepNumbers* numbers, const LossScale& loss_scale) {
  const T unscale = static_cast<T>(loss_scale.inverse);
  const auto element =
      update.template element<T>(tensor, numbers, static_cast<double>(loss_scale.skipped));
  switch (tensor.gradient_type) {
    case ScalarType::bf16:
      return update_range_here<T, BFloat16, kScaled>(tensor, begin, end, unscale, element);
    case ScalarType::f16:
      return update_range_here<T, Float16, kScaled>(tensor, begin, end, unscale, element);
    default:
      return update_range_here<T, T, kScaled>(tensor, begin, end, unscale, element);
  }
}

// Elements [begin, end) of one tensor by `Update`, whose element<T>(tensor, numbers, skipped) is
// what each of them goes through; `skipped`: updates of the run that were left out.
template <class Update>
void update_on_cpu(const UpdateTensor& tensor, std::int64_t begin, std::int64_t end,
                   const Update& update, const StepNumbers* numbers, const LossScale* loss_scale) {
  const bool wide = tensor.type == ScalarType::f64;
  if (loss_scale == nullptr) {
    wide ? update_as<double, false>(tensor, begin, end, update, numbers, {})
         : update_as<float, false>(tensor, begin, end, update, numbers, {});
  } else if (loss_scale->bad == 0) {
    wide ? update_as<double, true>(tensor, begin, end, update, numbers, *loss_scale)
         : update_as<float, true>(tensor, begin, end, update, numbers, *loss_scale);
  }
}

}  // namespace onecycle::kernels
