#pragma once

#include "kernels/update/loss_scale.h"

namespace onecycle::kernels {

// The fused SGD update; state[0] is the velocity.

// `loss_scale`, where the kernel runs, or null: gradients are unscaled, and nothing changes where
// one of them was not finite.

// Elements [begin, end) of one tensor, so that the caller decides on threads.
void sgd_cpu(const UpdateTensor& tensor, std::int64_t begin, std::int64_t end,
             const UpdateRule& rule, const StepNumbers* numbers,
             const LossScale* loss_scale = nullptr);

// All tensors, on `stream` (a cudaStream_t). Throws Error where the build has no CUDA kernels.
void sgd_cuda(const UpdateTensor* tensors, int num_tensors, const UpdateRule& rule,
              const StepNumbers* numbers, void* stream, const LossScale* loss_scale = nullptr);

}  // namespace onecycle::kernels
