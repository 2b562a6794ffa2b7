#include "model/batch_norm.h"

#include <vector>

#include <ATen/ATen.h>

namespace onecycle {

at::Tensor BatchNormImpl::forward(const at::Tensor& input) {
  if (!is_training() || !group_ || input.size(0) <= *group_)
    return torch::nn::BatchNorm2dImpl::forward(input);
  const std::vector<at::Tensor> groups = input.split(*group_);
  const auto count = static_cast<std::int64_t>(groups.size());
  // With a momentum of 1, ATen leaves a group's own statistics here.
  const at::Tensor means = at::zeros({count, running_mean.size(0)}, running_mean.options());
  const at::Tensor variances = at::zeros_like(means);
  std::vector<at::Tensor> normalised;
  for (std::int64_t i = 0; i < count; ++i)
    normalised.push_back(torch::nn::functional::detail::batch_norm(
        groups[static_cast<std::size_t>(i)], means[i], variances[i], weight, bias,
        /*training=*/true, /*momentum=*/1.0, options.eps()));
  {
    const at::NoGradGuard no_grad;
    num_batches_tracked += 1;
    running_mean.lerp_(means.mean(0), *options.momentum());
    running_var.lerp_(variances.mean(0), *options.momentum());
  }
  return at::cat(normalised);
}

}  // namespace onecycle
