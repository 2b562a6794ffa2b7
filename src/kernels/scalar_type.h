#pragma once

#include <cstdint>
#include <cstring>

// Element types that kernels meet, without ATen.
namespace onecycle::kernels {

enum class ScalarType : std::uint8_t { f32, f64, bf16 };

#ifdef __CUDACC__
#define ONECYCLE_HOST_DEVICE __host__ __device__
#else
#define ONECYCLE_HOST_DEVICE
#endif

// bfloat16: the upper half of an IEEE float, rounded to nearest even; NaN stays NaN.
struct BFloat16 {
  std::uint16_t bits;
};

ONECYCLE_HOST_DEVICE inline float to_float(BFloat16 value) {
  const std::uint32_t wide = static_cast<std::uint32_t>(value.bits) << 16;
  float result;
  memcpy(&result, &wide, sizeof result);
  return result;
}

ONECYCLE_HOST_DEVICE inline BFloat16 to_bfloat16(float value) {
  std::uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  const std::uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  return {static_cast<std::uint16_t>(value != value ? 0x7fc0U : rounded)};
}

}  // namespace onecycle::kernels
