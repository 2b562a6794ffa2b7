#pragma once

#include "onecycle/update_rule.h"

#include "kernels/scalar_type.h"

#include <cstdint>

namespace onecycle::kernels {

// One tensor of a fused update. All pointers address `size` elements in the same order.
struct UpdateTensor {
  void* weight = nullptr;               // master weights, f32 or f64
  void* state[2] = {nullptr, nullptr};  // same type; zero before the first step
  const void* gradient = nullptr;       // `gradient_type`
  void* copy = nullptr;                 // weights the model computes with, `copy_type`, or null
  std::int64_t size = 0;
  double lr_scale = 1;
  double decay_scale = 1;           // 0: exempt from decay
  std::int64_t updates_before = 0;  // of the run, before the tensor's own first
  ScalarType type = ScalarType::f32;
  ScalarType gradient_type = ScalarType::f32;  // `type`, bf16 or f16
  ScalarType copy_type = ScalarType::bf16;     // or f16
};

// The learning rate and the decay of one tensor's update.
struct UpdateScalars {
  double lr;
  double l2;      // added to the gradient, times the weight
  double shrink;  // factor on the weight
};

ONECYCLE_HOST_DEVICE inline UpdateScalars update_scalars(const UpdateTensor& tensor, DecayMode mode,
                                                         double lr_max,
                                                         const StepNumbers* numbers) {
  const double lr = numbers->lr * tensor.lr_scale;
  const double decay = numbers->weight_decay * tensor.decay_scale;
  double shrink = 1;
  if (mode == DecayMode::decoupled) shrink = 1 - lr * decay;
  if (mode == DecayMode::independent) shrink = 1 - numbers->lr / lr_max * decay;
  return {lr, mode == DecayMode::l2 ? decay : 0, shrink};
}

ONECYCLE_HOST_DEVICE inline float widened(float value) { return value; }
ONECYCLE_HOST_DEVICE inline double widened(double value) { return value; }
ONECYCLE_HOST_DEVICE inline float widened(BFloat16 value) { return to_float(value); }
ONECYCLE_HOST_DEVICE inline float widened(Float16 value) { return to_float(value); }

// Element `i` of a tensor's arrays by `Element`, which holds the scalars and, in kStates, the
// number of states that its call takes between weight and gradient. `unscale`: a factor on the
// gradient.
template <class Element, class T, class G>
ONECYCLE_HOST_DEVICE inline T update_at(std::int64_t i, T* weight, T* first, T* second,
                                        const G* gradient, T unscale, const Element& element) {
  const T g = static_cast<T>(widened(gradient[i])) * unscale;
  T w = weight[i];
  if constexpr (Element::kStates == 2) {
    element(w, first[i], second[i], g);
  } else {
    element(w, first[i], g);
  }
  weight[i] = w;
  return w;
}

}  // namespace onecycle::kernels
