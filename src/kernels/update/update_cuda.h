#pragma once

#include "kernels/cuda_check.h"
#include "kernels/update/multi_tensor.cuh"

namespace onecycle::kernels {

// All tensors by `Update`, on `stream` (a cudaStream_t). `what` names it in errors.
template <class Update>
void update_on_cuda(const UpdateTensor* tensors, int num_tensors, const Update& update,
                    const StepNumbers* numbers, void* stream, const LossScale* loss_scale,
                    const char* what) {
  static_assert(sizeof(Launch) + sizeof(Update) + 2 * sizeof numbers <= 4096,
                "a kernel's parameters are limited to 4 KiB");
  for_each_launch(tensors, num_tensors, [&](const Launch& launch, int blocks) {
    multi_tensor_kernel<<<blocks, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
        launch, update, numbers, loss_scale);
    check_cuda(cudaGetLastError(), what);
  });
}

}  // namespace onecycle::kernels
