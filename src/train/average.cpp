#include "train/average.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace onecycle {

WeightAverage::WeightAverage(Parameters& parameters, double decay)
    : parameters_(parameters), decay_(decay), tensors_(parameters) {}

void WeightAverage::add(std::int64_t step) {
  const at::NoGradGuard no_grad;
  const auto updates = static_cast<double>(step);
  const double keep = std::min(decay_, (1 + updates) / (10 + updates));
  at::_foreach_lerp_(tensors_.copies, tensors_.live, 1 - keep);
}

void WeightAverage::swap() {
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < tensors_.live.size(); ++i) {
    const at::Tensor kept = tensors_.live[i].clone();
    tensors_.live[i].copy_(tensors_.copies[i]);
    tensors_.copies[i].copy_(kept);
  }
  parameters_.refresh_working();
}

}  // namespace onecycle
