#include "train/state/lookahead.h"

#include <cmath>

#include <ATen/ATen.h>

namespace onecycle {

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
