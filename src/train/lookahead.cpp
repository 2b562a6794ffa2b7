#include "train/lookahead.h"

#include <cmath>

#include <ATen/ATen.h>

namespace onecycle {

Lookahead::Lookahead(Parameters& parameters, const LookaheadOptions& options,
                     std::int64_t total_steps)
    : parameters_(parameters), options_(options), total_steps_(total_steps) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : averaged_tensors(parameters)) {
    names_.push_back(name);
    live_.push_back(tensor);
    kept_.push_back(tensor.clone());
  }
}

void Lookahead::after(std::int64_t steps) {
  const bool due = steps % options_.every.value() == 0;
  if (!due && steps < total_steps_) return;
  const at::NoGradGuard no_grad;
  if (due) {
    const double p = static_cast<double>(steps) / static_cast<double>(total_steps_);
    at::_foreach_lerp_(kept_, live_, 1 - options_.keep * std::pow(p, options_.power));
  }
  at::_foreach_copy_(live_, kept_);
  parameters_.refresh_working();
}

TensorsByName Lookahead::tensors() const {
  TensorsByName result;
  for (std::size_t i = 0; i < names_.size(); ++i) result[names_[i]] = kept_[i];
  return result;
}

}  // namespace onecycle
