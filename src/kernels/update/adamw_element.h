#pragma once

#include "kernels/update/adamw.h"

#include <cmath>

namespace onecycle::kernels {

// The update of one element, as torch.optim.AdamW has it, t counting the tensor's own updates from
// 1:
//   a <- beta1 a + (1 - beta1) g;  b <- beta2 b + (1 - beta2) g^2
//   w <- shrink w - lr / (1 - beta1^t) a / (sqrt(b) / sqrt(1 - beta2^t) + eps)
// with the beta1 of this step in beta1^t, whatever it was before.
template <class T>
struct AdamwElement {
  static constexpr int kStates = 2;
  T step_size;   // lr / (1 - beta1^t)
  T beta1_rest;  // 1 - beta1
  T beta2;
  T beta2_rest;  // 1 - beta2
  T correction;  // sqrt(1 - beta2^t)
  T eps;
  T l2;
  T shrink;

  ONECYCLE_HOST_DEVICE void operator()(T& weight, T& average, T& square, T gradient) const {
    const T g = gradient + l2 * weight;
    average = average + beta1_rest * (g - average);
    square = beta2 * square + beta2_rest * g * g;
    weight = weight * shrink - step_size * average / (std::sqrt(square) / correction + eps);
  }
};

struct AdamwUpdate {
  AdamwRule rule;

  template <class T>
  ONECYCLE_HOST_DEVICE AdamwElement<T> element(const UpdateTensor& tensor,
                                               const StepNumbers* numbers, double skipped) const {
    const UpdateScalars s = update_scalars(tensor, rule.decay, rule.lr_max, numbers);
    const double beta1 = numbers->momentum;
    // What was skipped counts for the weights that train from the start; for others it is not known
    // how much of it came before them.
    const double number =
        numbers->update -
        (tensor.updates_before > 0 ? static_cast<double>(tensor.updates_before) : skipped);
    return {static_cast<T>(s.lr / (1 - pow(beta1, number))),
            static_cast<T>(1 - beta1),
            static_cast<T>(rule.beta2),
            static_cast<T>(1 - rule.beta2),
            static_cast<T>(sqrt(1 - pow(rule.beta2, number))),
            static_cast<T>(rule.eps),
            static_cast<T>(s.l2),
            static_cast<T>(s.shrink)};
  }
};

}  // namespace onecycle::kernels
