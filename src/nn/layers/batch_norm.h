#pragma once

#include "onecycle/fused_norms.h"
#include "onecycle/group.h"

#include "nn/ops/norm_activation.h"

#include <cstdint>
#include <memory>
#include <optional>

#include <ATen/core/Tensor.h>
#include <torch/nn/modules/batchnorm.h>

namespace onecycle {

// Batch normalisation of [N, C, H, W], with the parameters and buffers of torch::nn::BatchNorm2d;
// in training, groups of `group` consecutive samples have statistics of their own ("ghost" batch
// norm, Hoffer et al. 2017, arXiv 1705.08741). The last group may be smaller, but needs
// more than one value a channel, as a batch of torch::nn::BatchNorm2d does: else it throws
// DataError.
//
// One training pass moves the running statistics once: running = (1 - m) running + m mean, m = 0.1,
// `mean` that of the groups' means or unbiased variances, every group counting the same.
// Evaluation, no `group`, and a batch of at most `group` samples are torch::nn::BatchNorm2d.
// Once synchronised, statistics are those of the batches of all ranks together.
class BatchNormImpl : public torch::nn::BatchNorm2dImpl {
 public:
  BatchNormImpl(std::int64_t channels, std::optional<std::int64_t> group)
      : torch::nn::BatchNorm2dImpl(channels), group_(group) {}

  at::Tensor forward(const at::Tensor& input) {
    return normalised(input, {}, NormOutput::plain).block;
  }
  // What follows a norm in networks, as one operator where there is one (nn/ops/norm_activation.h).
  at::Tensor relu(const at::Tensor& input) { return normalised(input, {}, NormOutput::relu).block; }
  // gelu(norm + addend); `addend` may be undefined.
  at::Tensor gelu(const at::Tensor& input, const at::Tensor& addend) {
    return normalised(input, addend, NormOutput::gelu).block;
  }
  // relu(norm + addend); `addend` may be undefined.
  Branches branches(const at::Tensor& input, const at::Tensor& addend) {
    return normalised(input, addend, NormOutput::relu_branches);
  }

  // Throws FieldError for a norm over groups of samples.
  void synchronise(std::shared_ptr<Group> ranks);

  // Where the norm and what follows it are one operator; automatic, unless this was called.
  void fuse(FusedNorms choice) { fused_ = choice; }

 private:
  Branches normalised(const at::Tensor& input, const at::Tensor& addend, NormOutput output);
  at::Tensor normalised_alone(const at::Tensor& input);
  at::Tensor synchronised(const at::Tensor& input);
  at::Tensor in_groups(const at::Tensor& input);
  void track(const at::Tensor& mean, const at::Tensor& unbiased_variance);

  RunningMoments running() const { return {running_mean, running_var, *options.momentum()}; }

  FusedNorms fused_ = FusedNorms::automatic;
  std::optional<std::int64_t> group_;  // samples
  std::shared_ptr<Group> ranks_;       // that share statistics; empty: none
};
TORCH_MODULE(BatchNorm);

// Every BatchNorm of the module. Throws FieldError as synchronise does.
void synchronise_norms(torch::nn::Module& module, const std::shared_ptr<Group>& ranks);

// Every BatchNorm of the module (BatchNormImpl::fuse).
void fuse_norms(torch::nn::Module& module, FusedNorms choice);

}  // namespace onecycle
