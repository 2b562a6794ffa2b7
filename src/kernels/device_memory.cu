#include "kernels/cuda_check.h"
#include "kernels/device_memory.h"

#include <cuda_runtime.h>

namespace onecycle::kernels {

std::int64_t free_device_memory(int device) {
  std::size_t free = 0;
  std::size_t total = 0;
  int before = 0;
  check_cuda(cudaGetDevice(&before), "asking for the device");
  check_cuda(cudaSetDevice(device), "choosing the device");
  const cudaError_t asked = cudaMemGetInfo(&free, &total);
  check_cuda(cudaSetDevice(before), "choosing the device");
  check_cuda(asked, "asking for free memory");
  return static_cast<std::int64_t>(free);
}

}  // namespace onecycle::kernels
