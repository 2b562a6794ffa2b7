#pragma once

#include "kernels/scalar_type.h"

#include <cstdint>

// Maxima of windows of 2x2 pixels, two apart, of [N, H, W, C] on the CPU; an odd last row or column
// is left out, as PyTorch leaves it. ATen's own keeps eight bytes a maximum for the way back, and
// clears the gradient before it scatters into it.
namespace onecycle::kernels {

struct PoolImages {
  ScalarType type = ScalarType::f32;  // or bf16
  std::int64_t height = 0;            // of the input, in pixels
  std::int64_t width = 0;
  std::int64_t channels = 0;  // a multiple of 16
  // Whether the input's gradient is larger than the caches; it is aligned to 64 bytes then.
  bool past_caches = false;
};

// Rows [begin, end) are those of the output, of all images one after another.
struct MaxPoolCpu {
  // choice: which of the four was largest, the first of equals, NaN above all; null: not wanted.
  void (*forward)(const PoolImages&, const void* input, void* output, std::uint8_t* choice,
                  std::int64_t begin, std::int64_t end);
  // Writes all of the input's gradient, zeros included.
  void (*backward)(const PoolImages&, const void* gradient, const std::uint8_t* choice,
                   void* input_gradient, std::int64_t begin, std::int64_t end);
};

// The fastest version that this processor runs.
const MaxPoolCpu& max_pool_cpu();

// For any processor, and with AVX-512 (x86-64-v4; null where the build has none).
const MaxPoolCpu& generic_max_pool_cpu();
const MaxPoolCpu* avx512_max_pool_cpu();

}  // namespace onecycle::kernels
