#include "kernels/cuda_check.h"
#include "kernels/update/averages.cuh"

namespace onecycle::kernels {

void average_cuda(const UpdateTensor* tensors, int num_tensors, const AverageNumbers* numbers,
                  void* stream) {
  static_assert(sizeof(Launch) + sizeof numbers <= 4096,
                "a kernel's parameters are limited to 4 KiB");
  for_each_launch(tensors, num_tensors, [&](const Launch& launch, int blocks) {
    average_kernel<<<blocks, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(launch, numbers);
    check_cuda(cudaGetLastError(), "the averages of the weights");
  });
}

}  // namespace onecycle::kernels
