#include "model/batch_norm.h"

#include "onecycle/error.h"

#include "model/sync_batch_norm.h"

#include <vector>

#include <ATen/ATen.h>

namespace onecycle {

at::Tensor BatchNormImpl::forward(const at::Tensor& input) {
  if (is_training() && ranks_) return synchronised(input);
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
  track(means.mean(0), variances.mean(0));
  return at::cat(normalised);
}

void BatchNormImpl::synchronise(std::shared_ptr<Group> ranks) {
  if (group_)
    throw RecipeError("train.sync_bn: goes with no model.bn_batch, which wants small statistics");
  ranks_ = std::move(ranks);
}

at::Tensor BatchNormImpl::synchronised(const at::Tensor& input) {
  ChannelMoments moments;
  {
    const at::NoGradGuard no_grad;
    moments = moments_over(*ranks_, input);
  }
  track(moments.mean, moments.variance * (moments.count / (moments.count - 1)));
  return normalise_by(ranks_, moments, input, weight, bias, options.eps());
}

void BatchNormImpl::track(const at::Tensor& mean, const at::Tensor& unbiased_variance) {
  const at::NoGradGuard no_grad;
  num_batches_tracked += 1;
  running_mean.lerp_(mean.to(running_mean.scalar_type()), *options.momentum());
  running_var.lerp_(unbiased_variance.to(running_var.scalar_type()), *options.momentum());
}

void synchronise_norms(torch::nn::Module& module, const std::shared_ptr<Group>& ranks) {
  for (const auto& part : module.modules())
    if (auto* norm = part->as<BatchNormImpl>()) norm->synchronise(ranks);
}

}  // namespace onecycle
