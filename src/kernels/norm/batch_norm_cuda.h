#pragma once

#include "kernels/norm/batch_norm.h"

#include <cstdint>

// The passes of kernels/norm/batch_norm.h on a GPU, over all rows: of any number of channels, and
// f16 besides. Everything lies on the device, is queued on `stream` (a cudaStream_t) and neither
// allocates nor waits, so that a graph can record it. The same numbers every time.
namespace onecycle::kernels {

// By channel, fp32.
struct NormParameters {
  const float* mean = nullptr;
  const float* variance = nullptr;  // biased
  const float* weight = nullptr;
  const float* bias = nullptr;
  float eps = 0;
};

// Where moments go, by channel, fp32.
struct NormStatistics {
  float* mean = nullptr;
  float* variance = nullptr;  // biased
  // These move by `momentum` towards the mean and the unbiased variance; null: there are none.
  float* running_mean = nullptr;
  float* running_variance = nullptr;
  float momentum = 0;
};

// By channel, fp32: what the sums of a backward pass become.
struct NormSums {
  float* weight_gradient = nullptr;
  float* bias_gradient = nullptr;
  float* slope = nullptr;  // of the input's gradient, as in NormCpu::input_gradient
  float* offset = nullptr;
};

// `count` rows >= 1, and 2 for an unbiased variance. `parts`: norm_workspace(count, channels)
// numbers (kernels/norm/ norm_geometry.h), of no use afterwards; so too below.
void norm_moments_cuda(const NormRows& rows, std::int64_t count, float* parts,
                       const NormStatistics& to, void* stream);

// As NormCpu::normalise.
void normalise_cuda(const NormRows& rows, std::int64_t count, const NormParameters& by,
                    const void* addend, void* output, void* stream);

// As NormCpu::gradient_sums, and what follows from the sums.
void norm_gradient_sums_cuda(const NormRows& rows, std::int64_t count, const NormParameters& by,
                             const NormGradients& gradients, void* passed, float* parts,
                             const NormSums& to, void* stream);

// As NormCpu::input_gradient.
void norm_input_gradient_cuda(const NormRows& rows, std::int64_t count, const NormParameters& by,
                              const float* slope, const float* offset, const void* gradient,
                              bool masked, void* input_gradient, void* stream);

}  // namespace onecycle::kernels
