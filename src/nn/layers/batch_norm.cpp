#include "nn/layers/batch_norm.h"

#include "onecycle/error.h"

#include "nn/layers/sync_batch_norm.h"

#include <numeric>
#include <vector>

#include <ATen/ATen.h>

namespace onecycle {

Branches BatchNormImpl::normalised(const at::Tensor& input, const at::Tensor& addend,
                                   NormOutput output) {
  const std::int64_t groups = is_training() && !ranks_ ? groups_of(input.size(0)) : 0;
  if (groups > 0 && fuses(input, groups, fused_) && weight.scalar_type() == at::kFloat) {
    const BatchMoments moments = moments_of(input, groups, running());
    count_pass();
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

// 0: the last one is smaller than the others.
std::int64_t BatchNormImpl::groups_of(std::int64_t samples) const {
  if (!group_ || samples <= *group_) return 1;
  return samples % *group_ == 0 ? samples / *group_ : 0;
}

at::Tensor BatchNormImpl::normalised_alone(const at::Tensor& input) {
  if (is_training() && ranks_) return synchronised(input);
  if (is_training() && (groups_of(input.size(0)) != 1 || is_one_of_several()))
    return in_groups(input);
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
  count_pass();
  running().follow(mean, unbiased_variance);
}

// With count - 1 - index = left passes to come, the factors on what was there multiply to 1 - m,
// and those on each pass's mean are m / count.
double BatchNormImpl::share_of_pass() const {
  const double momentum = *options.momentum();
  const std::int64_t left = pass_.count - 1 - pass_.index;
  return momentum / (static_cast<double>(pass_.count) - static_cast<double>(left) * momentum);
}

void BatchNormImpl::count_pass() {
  if (pass_.index + 1 == pass_.count) num_batches_tracked += 1;
}

std::vector<std::shared_ptr<BatchNormImpl>> grouped_norms(const torch::nn::Module& module) {
  std::vector<std::shared_ptr<BatchNormImpl>> norms;
  for (const auto& part : module.modules())
    if (auto norm = std::dynamic_pointer_cast<BatchNormImpl>(part); norm && norm->group())
      norms.push_back(std::move(norm));
  return norms;
}

std::int64_t pass_unit(const torch::nn::Module& module) {
  std::int64_t unit = 1;
  for (const auto& norm : grouped_norms(module)) unit = std::lcm(unit, *norm->group());
  return unit;
}

StatisticsPass::StatisticsPass(const Norms& norms, std::int64_t index, std::int64_t count)
    : norms_(norms) {
  for (const auto& norm : norms_) norm->set_pass(index, count);
}

StatisticsPass::~StatisticsPass() {
  for (const auto& norm : norms_) norm->set_pass(0, 1);
}

bool norms_follow_passes(const torch::nn::Module& module) {
  for (const auto& part : module.modules()) {
    if (const auto* own = part->as<BatchNormImpl>()) {
      if (own->follows_passes()) return true;
    } else if (part->as<torch::nn::BatchNorm1dImpl>() || part->as<torch::nn::BatchNorm2dImpl>() ||
               part->as<torch::nn::BatchNorm3dImpl>()) {
      return true;
    }
  }
  return false;
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
