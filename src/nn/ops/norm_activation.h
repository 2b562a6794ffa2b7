#pragma once

#include "onecycle/fused_norms.h"

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace onecycle {

// Batch normalisation in training, an addition and an activation as one operator: y =
// activation((x - mean) / sqrt(variance + eps) * weight + bias + addend), by
// kernels/norm/batch_norm.h on the CPU and kernels/norm/batch_norm_cuda.h on a GPU.

// Whether it takes this input, under `choice`: [N, C, H, W], dense and channels last, N a multiple
// of `groups`, more than one value a channel of a group; on the CPU fp32 or bf16 and C a multiple
// of 16, on a GPU fp32, bf16 or fp16 and one group.
bool fuses(const at::Tensor& input, std::int64_t groups = 1,
           FusedNorms choice = FusedNorms::automatic);

// Of each of `groups` runs of N / groups consecutive samples.
struct BatchMoments {
  at::Tensor mean;      // [groups * C], fp32, group after group
  at::Tensor variance;  // likewise, biased
};

// The moments that a norm keeps for evaluation.
struct RunningMoments {
  at::Tensor mean;      // [C]; fp32 on a GPU
  at::Tensor variance;  // [C], unbiased; fp32 on a GPU
  double momentum = 0;  // the share of a new batch

  // Moves them towards a batch's: running = (1 - momentum) running + momentum new.
  void follow(const at::Tensor& new_mean, const at::Tensor& unbiased_variance) const;
};

// The same numbers whatever the count of threads; a group's are those of its samples alone.
BatchMoments moments_of(const at::Tensor& input, std::int64_t groups = 1);
// `running` follows their means over the groups.
BatchMoments moments_of(const at::Tensor& input, std::int64_t groups,
                        const RunningMoments& running);

enum class NormOutput { plain, relu, relu_branches, gelu };

// The same values twice, for a residual block and its shortcut: where the two gradients come back,
// adding them up is part of the operator. Without NormOutput::relu_branches both are one tensor.
struct Branches {
  at::Tensor block;
  at::Tensor shortcut;
};

// `addend`: of the input's shape, dtype and layout, or undefined. weight, bias: [C], fp32. With
// gradients for input, addend, weight and bias; the moments are taken for those of this input, and
// each group is normalised by its own.
Branches norm_activation(const at::Tensor& input, const at::Tensor& addend,
                         const at::Tensor& weight, const at::Tensor& bias,
                         const BatchMoments& moments, double eps, NormOutput output);

}  // namespace onecycle
