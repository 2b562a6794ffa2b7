#include "kernels/cuda_check.h"
#include "kernels/device_memory.h"

#include <cstdint>
#include <cstring>
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

namespace {

constexpr std::size_t kWords = kLargestWrite / sizeof(std::uint64_t);

struct Words {
  std::uint64_t word[kWords];
};

__global__ void write_kernel(std::uint64_t* to, const Words from) {
  to[threadIdx.x] = from.word[threadIdx.x];
}

}  // namespace

void write_cuda(void* to, const void* from, std::size_t size, void* stream) {
  if (size == 0 || size > kLargestWrite || size % sizeof(std::uint64_t) != 0)
    throw Error("a write to the GPU is too large or not a multiple of 8 bytes");
  Words words{};
  std::memcpy(&words, from, size);
  const auto threads = static_cast<unsigned>(size / sizeof(std::uint64_t));
  write_kernel<<<1, threads, 0, static_cast<cudaStream_t>(stream)>>>(
      static_cast<std::uint64_t*>(to), words);
  check_cuda(cudaGetLastError(), "a write of a step's numbers");
}

}  // namespace onecycle::kernels
