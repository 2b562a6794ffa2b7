#include "kernels/cuda_check.h"
#include "kernels/device_memory.cuh"

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

void write_cuda(void* to, const void* from, std::size_t size, void* stream) {
  const Words words = words_to_write(from, size);
  write_kernel<<<1, words_in(size), 0, static_cast<cudaStream_t>(stream)>>>(
      static_cast<std::uint64_t*>(to), words);
  check_cuda(cudaGetLastError(), "a write of a step's numbers");
}

}  // namespace onecycle::kernels
