#include "kernels/batch/gather.cuh"
#include "kernels/cuda_check.h"

namespace onecycle::kernels {

bool has_cuda_kernels() { return true; }

void gather_cuda(const Gather& gather, void* stream) {
  run_gather_kernels(gather, [&](auto kernel) {
    kernel<<<gather_grid(gather), kGatherThreads, 0, static_cast<cudaStream_t>(stream)>>>(gather);
    check_cuda(cudaGetLastError(), "the batch kernel");
  });
}

}  // namespace onecycle::kernels
