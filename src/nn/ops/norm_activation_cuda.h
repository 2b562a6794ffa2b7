#pragma once

#include "kernels/norm/batch_norm.h"
#include "nn/ops/norm_activation.h"

#include <ATen/core/Tensor.h>

// The passes of nn/ops/norm_activation.h on a GPU. None waits for it.
namespace onecycle {

// What a norm is given: a CUDA tensor that fuses() takes, and by channel, fp32, the rest.
struct NormOnCuda {
  at::Tensor input;
  at::Tensor weight;
  at::Tensor bias;
  BatchMoments moments;
  double eps = 0;
  kernels::Activation activation = kernels::Activation::none;
};

struct NormInputGradients {
  at::Tensor input;
  at::Tensor weight;
  at::Tensor bias;
};

// `running` moves towards the moments, unless it is null.
BatchMoments moments_on_cuda(const at::Tensor& input, const RunningMoments* running);

// activation(norm + addend); `addend` may be undefined.
at::Tensor normalised_on_cuda(const NormOnCuda& norm, const at::Tensor& addend);

// `one` and `two` (or undefined): gradients of the output. `kept`: for ReLU the output, for GELU
// the addend, undefined where nothing was added. Their sum through the activation goes to `passed`
// (or undefined: without an addend and GELU, one gradient needs no such tensor).
NormInputGradients gradients_on_cuda(const NormOnCuda& norm, const at::Tensor& one,
                                     const at::Tensor& two, const at::Tensor& kept,
                                     const at::Tensor& passed);

}  // namespace onecycle
