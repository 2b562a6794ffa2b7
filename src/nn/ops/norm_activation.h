#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace onecycle {

// Batch normalisation in training, an addition and an activation as one operator on the CPU: y =
// activation((x - mean) / sqrt(variance + eps) * weight + bias + addend),
// kernels/norm/batch_norm.h.

// Whether it takes this input: [N, C, H, W] on the CPU, dense and channels last, fp32 or bf16, C a
// multiple of 16, N a multiple of `groups`, more than one value a channel of a group.
bool fuses(const at::Tensor& input, std::int64_t groups = 1);

// Of each of `groups` runs of N / groups consecutive samples.
struct BatchMoments {
  at::Tensor mean;      // [groups, C], fp32
  at::Tensor variance;  // [groups, C], fp32, biased
};

// The same numbers whatever the count of threads; a group's are those of its samples alone.
BatchMoments moments_of(const at::Tensor& input, std::int64_t groups = 1);

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
