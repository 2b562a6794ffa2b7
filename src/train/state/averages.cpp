#include "train/state/averages.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

namespace onecycle {

TensorCopies::TensorCopies(const Parameters& parameters) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : averaged_tensors(parameters)) {
    names.push_back(name);
    live.push_back(tensor);
    copies.push_back(tensor.clone());
  }
}

TensorsByName TensorCopies::by_name() const {
  TensorsByName result;
  for (std::size_t i = 0; i < names.size(); ++i) result[names[i]] = copies[i];
  return result;
}

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

Lookahead::Lookahead(Parameters& parameters, const LookaheadOptions& options,
                     std::int64_t total_steps)
    : parameters_(parameters), options_(options), total_steps_(total_steps), tensors_(parameters) {}

void Lookahead::after(std::int64_t steps) {
  const bool due = steps % options_.every.value() == 0;
  if (!due && steps < total_steps_) return;
  const at::NoGradGuard no_grad;
  if (due) {
    const double p = static_cast<double>(steps) / static_cast<double>(total_steps_);
    at::_foreach_lerp_(tensors_.copies, tensors_.live,
                       1 - options_.keep * std::pow(p, options_.power));
  }
  at::_foreach_copy_(tensors_.live, tensors_.copies);
  parameters_.refresh_working();
}

}  // namespace onecycle
