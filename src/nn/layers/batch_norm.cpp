#include "nn/layers/batch_norm.h"

#include "onecycle/error.h"

#include "nn/layers/sync_batch_norm.h"

#include <vector>

#include <ATen/ATen.h>

namespace onecycle {

Branches BatchNormImpl::normalised(const at::Tensor& input, const at::Tensor& addend,
                                   NormOutput output) {
  const bool one_batch = is_training() && !ranks_ && !(group_ && input.size(0) > *group_);
  if (one_batch && fuses(input, fused_) && weight.scalar_type() == at::kFloat) {
    const BatchMoments moments = moments_of(input, running());
    num_batches_tracked += 1;
    const at::Tensor added =
        addend.defined() ? addend.contiguous(at::MemoryFormat::ChannelsLast) : addend;
    return norm_activation(input, added, weight, bias, moments, options.eps(), output);
  }
  at::Tensor values = normalised_alone(input);
  if (addend.defined()) values = values.add_(addend);
  if (output == NormOutput::gelu)
    values = at::gelu(values);
  else if (output != NormOutput::plain)
    values.relu_();
  return {values, values};
}

at::Tensor BatchNormImpl::normalised_alone(const at::Tensor& input) {
  if (is_training() && ranks_) return synchronised(input);
  if (is_training() && group_ && input.size(0) > *group_) return in_groups(input);
  if (is_training()) check_values_a_channel(input.numel() / input.size(1));
  return torch::nn::BatchNorm2dImpl::forward(input);
}

at::Tensor BatchNormImpl::in_groups(const at::Tensor& input) {
  const std::vector<at::Tensor> groups = input.split(*group_);
  const auto count = static_cast<std::int64_t>(groups.size());
  // With a momentum of 1, ATen leaves a group's own statistics here.
  const at::Tensor means = at::zeros({count, running_mean.size(0)}, running_mean.options());
  const at::Tensor variances = at::zeros_like(means);
  std::vector<at::Tensor> normalised;
  check_values_a_channel(groups.back().numel() / input.size(1));
  for (std::int64_t i = 0; i < count; ++i)
    normalised.push_back(torch::nn::functional::detail::batch_norm(
        groups[static_cast<std::size_t>(i)], means[i], variances[i], weight, bias,
        /*training=*/true, /*momentum=*/1.0, options.eps()));
  track(means.mean(0), variances.mean(0));
  return at::cat(normalised);
}

void BatchNormImpl::synchronise(std::shared_ptr<Group> ranks) {
  if (group_)
    throw FieldError("train.sync_bn",
                     "does not go with model.bn_batch, which takes statistics of small groups");
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
  num_batches_tracked += 1;
  running().follow(mean, unbiased_variance);
}

void synchronise_norms(torch::nn::Module& module, const std::shared_ptr<Group>& ranks) {
  for (const auto& part : module.modules())
    if (auto* norm = part->as<BatchNormImpl>()) norm->synchronise(ranks);
}

void fuse_norms(torch::nn::Module& module, FusedNorms choice) {
  for (const auto& part : module.modules())
    if (auto* norm = part->as<BatchNormImpl>()) norm->fuse(choice);
}

}  // namespace onecycle
