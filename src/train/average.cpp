#include "train/average.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace onecycle {

WeightAverage::WeightAverage(Parameters& parameters, double decay)
    : parameters_(parameters), decay_(decay) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : averaged_tensors(parameters)) {
    names_.push_back(name);
    live_.push_back(tensor);
    averages_.push_back(tensor.clone());
  }
}

void WeightAverage::add(std::int64_t step) {
  const at::NoGradGuard no_grad;
  const auto updates = static_cast<double>(step);
  const double keep = std::min(decay_, (1 + updates) / (10 + updates));
  at::_foreach_lerp_(averages_, live_, 1 - keep);
}

TensorsByName WeightAverage::tensors() const {
  TensorsByName result;
  for (std::size_t i = 0; i < names_.size(); ++i) result[names_[i]] = averages_[i];
  return result;
}

void WeightAverage::swap() {
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < live_.size(); ++i) {
    const at::Tensor kept = live_[i].clone();
    live_[i].copy_(averages_[i]);
    averages_[i].copy_(kept);
  }
  parameters_.refresh_working();
}

WeightAverage::Scope::Scope(WeightAverage& average) : average_(average) { average_.swap(); }
WeightAverage::Scope::~Scope() { average_.swap(); }

}  // namespace onecycle
