#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

// Element types that kernels meet, without ATen.
namespace onecycle::kernels {

enum class ScalarType : std::uint8_t { f32, f64, bf16, f16 };

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

// IEEE binary16, rounded to nearest even; beyond 65504 infinite.
struct Float16 {
  std::uint16_t bits;
};

ONECYCLE_HOST_DEVICE inline float to_float(Float16 value) {
  float result;
#ifdef __CUDA_ARCH__
  asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(value.bits));
#else
  const std::uint32_t exponent = (value.bits >> 10) & 0x1fU;
  const std::uint32_t mantissa = value.bits & 0x3ffU;
  std::uint32_t wide;
  if (exponent == 0) {
    const float tiny = static_cast<float>(mantissa) * (1.0f / (1 << 24));
    memcpy(&wide, &tiny, sizeof wide);
  } else {
    wide = (exponent == 31 ? 0x7f800000U : (exponent + 112) << 23) | mantissa << 13;
  }
  wide |= static_cast<std::uint32_t>(value.bits & 0x8000U) << 16;
  memcpy(&result, &wide, sizeof result);
#endif
  return result;
}

ONECYCLE_HOST_DEVICE inline Float16 to_float16(float value) {
#ifdef __CUDA_ARCH__
  Float16 result;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(result.bits) : "f"(value));
  return result;
#else
  std::uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  const std::uint32_t sign = (bits >> 16) & 0x8000U;
  bits &= 0x7fffffffU;
  std::uint32_t narrow;
  if (bits > 0x7f800000U) {
    narrow = 0x7e00U;
  } else if (bits >= 0x47800000U) {  // 2^16
    narrow = 0x7c00U;
  } else if (bits < 0x38800000U) {  // 2^-14: a sum with .5 rounds to multiples of 2^-24
    float shifted;
    memcpy(&shifted, &bits, sizeof shifted);
    shifted += 0.5f;
    memcpy(&narrow, &shifted, sizeof narrow);
    narrow -= 0x3f000000U;
  } else {
    narrow = (bits + 0xfffU + ((bits >> 13) & 1U) - 0x38000000U) >> 13;
  }
  return {static_cast<std::uint16_t>(sign | narrow)};
#endif
}

// What values of a type are computed in, and their rounding to it.
template <class Out>
using WorkOf = std::conditional_t<std::is_same_v<Out, double>, double, float>;

template <class Out>
ONECYCLE_HOST_DEVICE Out rounded(WorkOf<Out> value) {
  if constexpr (std::is_same_v<Out, BFloat16>)
    return to_bfloat16(value);
  else if constexpr (std::is_same_v<Out, Float16>)
    return to_float16(value);
  else
    return value;
}

}  // namespace onecycle::kernels
