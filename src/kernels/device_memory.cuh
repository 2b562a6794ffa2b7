#pragma once

#include "onecycle/error.h"

#include "kernels/cuda_kernel.h"
#include "kernels/device_memory.h"

#include <cstring>

// A write by a kernel's arguments.
namespace onecycle::kernels {

struct Words {
  std::uint64_t word[kLargestWrite / sizeof(std::uint64_t)];
};

// In one block of words_in() threads.
__global__ void write_kernel(std::uint64_t* to, const Words from) {
  to[threadIdx.x] = from.word[threadIdx.x];
}

inline unsigned words_in(std::size_t size) {
  return static_cast<unsigned>(size / sizeof(std::uint64_t));
}

// `size` bytes as an argument.
inline Words words_to_write(const void* from, std::size_t size) {
  if (size == 0 || size > kLargestWrite || size % sizeof(std::uint64_t) != 0)
    throw Error("a write to the GPU is too large or not a multiple of 8 bytes");
  Words words{};
  std::memcpy(&words, from, size);
  return words;
}

}  // namespace onecycle::kernels
