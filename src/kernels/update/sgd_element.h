#pragma once

#include "kernels/update/sgd.h"

#include <type_traits>

namespace onecycle::kernels {

// The update of one element; its formulas stand in onecycle/update_rule.h.
template <MomentumForm kForm, bool kNesterov, class T>
struct SgdElement {
  static constexpr int kStates = 1;
  T lr;
  T m;
  T l2;
  T shrink;

  ONECYCLE_HOST_DEVICE void operator()(T& weight, T& velocity, T gradient) const {
    const T g = gradient + l2 * weight;
    const T before = velocity;
    T step;
    if (kForm == MomentumForm::torch) {
      velocity = m * before + g;
      step = lr * (kNesterov ? g + m * velocity : velocity);
    } else if (kForm == MomentumForm::ema) {
      velocity = m * before + (1 - m) * g;
      step = lr * (kNesterov ? (1 - m) * g + m * velocity : velocity);
    } else {
      velocity = m * before + lr * g;
      step = kNesterov ? (1 + m) * velocity - m * before : velocity;
    }
    weight = weight * shrink - step;
  }
};

template <MomentumForm kForm, bool kNesterov>
struct SgdUpdate {
  UpdateRule rule;

  template <class T>
  ONECYCLE_HOST_DEVICE SgdElement<kForm, kNesterov, T> element(const UpdateTensor& tensor,
                                                               const StepNumbers* numbers,
                                                               double) const {
    const UpdateScalars s = update_scalars(tensor, rule.decay, rule.lr_max, numbers);
    return {static_cast<T>(s.lr), static_cast<T>(numbers->momentum), static_cast<T>(s.l2),
            static_cast<T>(s.shrink)};
  }
};

// Calls `run` with the SgdUpdate of a rule.
template <class Run>
void with_sgd_update(const UpdateRule& rule, const Run& run) {
  const auto of_form = [&](auto form) {  // nvcc reads C++17: no template lambda
    constexpr MomentumForm kForm = decltype(form)::value;
    rule.nesterov ? run(SgdUpdate<kForm, true>{rule}) : run(SgdUpdate<kForm, false>{rule});
  };
  switch (rule.form) {
    case MomentumForm::torch:
      return of_form(std::integral_constant<MomentumForm, MomentumForm::torch>());
    case MomentumForm::ema:
      return of_form(std::integral_constant<MomentumForm, MomentumForm::ema>());
    case MomentumForm::caffe:
      return of_form(std::integral_constant<MomentumForm, MomentumForm::caffe>());
  }
}

}  // namespace onecycle::kernels
