#pragma once

#include "kernels/update_tensor.h"

namespace onecycle::kernels {

// The fused SGD update; state[0] is the velocity.

// Elements [begin, end) of one tensor, so that the caller decides on threads.
void sgd_cpu(const UpdateTensor& tensor, std::int64_t begin, std::int64_t end,
             const UpdateRule& rule, const double* hyper);

// All tensors, on `stream` (a cudaStream_t). Throws Error where the build has no CUDA kernels.
void sgd_cuda(const UpdateTensor* tensors, int num_tensors, const UpdateRule& rule,
              const double* hyper, void* stream);

}  // namespace onecycle::kernels
