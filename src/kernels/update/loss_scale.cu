#include "kernels/cuda_check.h"
#include "kernels/update/loss_scale.cuh"

namespace onecycle::kernels {

void find_bad_cuda(const UpdateTensor* tensors, int num_tensors, LossScale* state, void* stream) {
  for_each_launch(tensors, num_tensors, [&](const Launch& launch, int blocks) {
    find_bad_kernel<<<blocks, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(launch, state);
    check_cuda(cudaGetLastError(), "the check of gradients");
  });
}

void advance_cuda(LossScale* state, void* stream) {
  advance_kernel<<<1, 1, 0, static_cast<cudaStream_t>(stream)>>>(state);
  check_cuda(cudaGetLastError(), "the update of the loss scale");
}

}  // namespace onecycle::kernels
