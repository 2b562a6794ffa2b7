#pragma once

#include "kernels/scalar_type.h"

#include <cstdint>

// Batch normalisation of [rows, channels] (channels last; rows = N H W) on the CPU with what
// follows it in a residual network, an addition and ReLU or GELU, in two passes over memory each
// way instead of the five and more of separate operators. Statistics and sums are fp32 within a
// range of rows; adding ranges up, in double, is the caller's, so that the caller decides on
// threads. On a GPU: kernels/norm/batch_norm_cuda.h.
namespace onecycle::kernels {

enum class Activation { none, relu, gelu };  // gelu: x Phi(x), Phi the normal distribution's

// What all passes work on. Channels are a multiple of 16 on the CPU; tensors are dense.
struct NormRows {
  // f32, bf16 or, on a GPU alone, f16: of input, addend, output and their gradients.
  ScalarType type = ScalarType::f32;
  std::int64_t channels = 0;
  const void* input = nullptr;
  Activation activation = Activation::none;
  // Whether what is written is larger than the caches; it is aligned to 64 bytes then.
  bool past_caches = false;
};

// By channel, fp32: of the input, and what makes it the normalised one, x scale + shift.
struct NormChannels {
  const float* mean = nullptr;
  const float* scale = nullptr;  // weight / sqrt(variance + eps)
  const float* shift = nullptr;  // bias - mean scale
};

struct NormGradients {
  const void* first = nullptr;
  const void* second = nullptr;  // null: none
  // What the forward pass added up to, by ReLU's output or for GELU the addend; null: no addend.
  const void* output = nullptr;
  const void* addend = nullptr;
};

struct NormCpu {
  // sums[0][c] = sum of (x - origin[c]), sums[1][c] = sum of its squares, over rows [begin, end).
  void (*moments)(const NormRows&, const float* origin, float* sums, std::int64_t begin,
                  std::int64_t end);

  // output = activation(x scale + shift + addend); `addend` may be null.
  void (*normalise)(const NormRows&, const NormChannels&, const void* addend, void* output,
                    std::int64_t begin, std::int64_t end);

  // g: gradients.first + gradients.second, of the output, times the activation's slope. sums[0][c]
  // = sum of g, sums[1][c] = sum of g (x - mean). g goes to `passed`, which may be null.
  void (*gradient_sums)(const NormRows&, const NormChannels&, const NormGradients& gradients,
                        void* passed, float* sums, std::int64_t begin, std::int64_t end);

  // input_gradient = scale g + slope (x - mean) + offset, slope and offset by channel. `gradient`
  // is g, or with ReLU and not `masked` what g is made from.
  void (*input_gradient)(const NormRows&, const NormChannels&, const float* slope,
                         const float* offset, const void* gradient, bool masked,
                         void* input_gradient, std::int64_t begin, std::int64_t end);
};

// The fastest version that this processor runs.
const NormCpu& norm_cpu();

// For any processor, and with AVX-512 (x86-64-v4; null where the build has none).
const NormCpu& generic_norm_cpu();
const NormCpu* avx512_norm_cpu();

}  // namespace onecycle::kernels
