#include "kernels/device/cuda_check.h"
#include "kernels/device/device_memory.h"

#include <cuda_runtime.h>

namespace onecycle::kernels {

std::int64_t free_device_memory(int device) {
  std::size_t free = 0;
  std::size_t total = 0;
  check_cuda(cudaSetDevice(device), "choosing the device");
  check_cuda(cudaMemGetInfo(&free, &total), "asking for free memory");
  return static_cast<std::int64_t>(free);
}

}  // namespace onecycle::kernels
