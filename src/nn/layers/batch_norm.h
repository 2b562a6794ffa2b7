#pragma once

#include "onecycle/fused_norms.h"
#include "onecycle/group.h"

#include "nn/ops/norm_activation.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

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
//
// Where passes are whole groups, a step of several passes (StatisticsPass) leaves what one pass
// over all of its samples does, up to rounding: output, gradients and running statistics. Ranks
// that each see the same number of groups, and then take the mean of their running statistics, have
// those of one rank that sees all.
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

  // Whether its statistics are those of all samples of a forward pass, however many these are.
  bool follows_passes() const { return !group_; }

  // Throws FieldError for a norm over groups of samples.
  void synchronise(std::shared_ptr<Group> ranks);

  // Samples of a group in training; empty: the whole batch is one.
  std::optional<std::int64_t> group() const { return group_; }
  // Training passes to come are number `index` of the `count` of their step (StatisticsPass).
  void set_pass(std::int64_t index, std::int64_t count) { pass_ = {index, count}; }
  // Where the norm and what follows it are one operator; automatic, unless this was called.
  void fuse(FusedNorms choice) { fused_ = choice; }

 private:
  Branches normalised(const at::Tensor& input, const at::Tensor& addend, NormOutput output);
  at::Tensor normalised_alone(const at::Tensor& input);
  at::Tensor synchronised(const at::Tensor& input);
  at::Tensor in_groups(const at::Tensor& input);
  std::int64_t groups_of(std::int64_t samples) const;
  bool is_one_of_several() const { return group_ && pass_.count > 1; }
  void track(const at::Tensor& mean, const at::Tensor& unbiased_variance);

  struct Pass {
    std::int64_t index = 0;
    std::int64_t count = 1;
  };

  // The momentum of this pass.
  double share_of_pass() const;
  RunningMoments running() const { return {running_mean, running_var, share_of_pass()}; }
  void count_pass();

  FusedNorms fused_ = FusedNorms::automatic;
  std::optional<std::int64_t> group_;  // samples
  Pass pass_;
  std::shared_ptr<Group> ranks_;  // that share statistics; empty: none
};
TORCH_MODULE(BatchNorm);

// The BatchNorms of the module that have a `group`.
std::vector<std::shared_ptr<BatchNormImpl>> grouped_norms(const torch::nn::Module& module);

// The samples of which a training pass takes a multiple, so that it is whole groups in every norm:
// the least common multiple of their sizes, 1 without groups.
std::int64_t pass_unit(const torch::nn::Module& module);

// While it lives, training passes through `norms` are number `index` (0-based) of the `count` of
// one step, equal in samples. Pass i of n moves running statistics by m / (n - (n - 1 - i) m)
// instead of m, so that the step as a whole is one update of momentum m by the mean over its
// passes; num_batches_tracked counts the step, at its last pass. Norms without groups count each
// pass, as torch::nn::BatchNorm2d does.
class StatisticsPass {
 public:
  using Norms = std::vector<std::shared_ptr<BatchNormImpl>>;

  StatisticsPass(const Norms& norms, std::int64_t index, std::int64_t count);
  StatisticsPass(const StatisticsPass&) = delete;
  StatisticsPass& operator=(const StatisticsPass&) = delete;
  ~StatisticsPass();

 private:
  const Norms& norms_;
};

// Every BatchNorm of the module. Throws FieldError as synchronise does.
void synchronise_norms(torch::nn::Module& module, const std::shared_ptr<Group>& ranks);

// Whether any batch norm of the module normalises otherwise when a step is cut into forward passes
// of another size, by ranks or accumulation; LibTorch's own count.
bool norms_follow_passes(const torch::nn::Module& module);

// Every BatchNorm of the module (BatchNormImpl::fuse).
void fuse_norms(torch::nn::Module& module, FusedNorms choice);

}  // namespace onecycle
