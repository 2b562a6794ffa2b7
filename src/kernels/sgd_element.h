#pragma once

#include "kernels/sgd.h"

namespace onecycle::kernels {

// The scalars of one tensor's update in its own precision.
template <class T>
struct SgdScalars {
  T lr;
  T momentum;
  T l2;      // added to the gradient, times the weight
  T shrink;  // factor on the weight
};

template <class T>
ONECYCLE_HOST_DEVICE inline SgdScalars<T> sgd_scalars(const SgdTensor& tensor,
                                                      const UpdateRule& rule, const double* hyper) {
  const double lr = hyper[0] * static_cast<double>(tensor.lr_scale);
  const double decay = hyper[2] * static_cast<double>(tensor.decay_scale);
  double shrink = 1;
  if (rule.decay == DecayMode::decoupled) shrink = 1 - lr * decay;
  if (rule.decay == DecayMode::independent) shrink = 1 - hyper[0] / rule.lr_max * decay;
  return {static_cast<T>(lr), static_cast<T>(hyper[1]),
          static_cast<T>(rule.decay == DecayMode::l2 ? decay : 0), static_cast<T>(shrink)};
}

// The update of one element; its formulas stand in onecycle/update_rule.h.
template <MomentumForm kForm, bool kNesterov, class T>
ONECYCLE_HOST_DEVICE inline void sgd_element(T& weight, T& velocity, T gradient,
                                             const SgdScalars<T>& s) {
  const T g = gradient + s.l2 * weight;
  const T m = s.momentum;
  const T before = velocity;
  T step;
  if (kForm == MomentumForm::torch) {
    velocity = m * before + g;
    step = s.lr * (kNesterov ? g + m * velocity : velocity);
  } else if (kForm == MomentumForm::ema) {
    velocity = m * before + (1 - m) * g;
    step = s.lr * (kNesterov ? (1 - m) * g + m * velocity : velocity);
  } else {
    velocity = m * before + s.lr * g;
    step = kNesterov ? (1 + m) * velocity - m * before : velocity;
  }
  weight = weight * s.shrink - step;
}

}  // namespace onecycle::kernels
