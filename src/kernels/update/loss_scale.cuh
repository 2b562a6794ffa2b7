#pragma once

#include "kernels/update/bad_gradient.h"
#include "kernels/update/multi_tensor.cuh"

// The kernels of loss scaling.
namespace onecycle::kernels {

__global__ void __launch_bounds__(kThreads) find_bad_kernel(const Launch launch, LossScale* state) {
  const int index = tensor_of_block(launch);
  const UpdateTensor& tensor = launch.tensors[index];
  const std::int64_t begin = begin_of_block(launch, index);
  const std::int64_t end = min(begin + kElementsPerBlock, tensor.size);
  if (has_bad_of_type<kThreads>(tensor, begin + threadIdx.x, end)) state->bad = 1;
}

// In one block of one thread.
__global__ void advance_kernel(LossScale* state) { advance(*state); }

}  // namespace onecycle::kernels
