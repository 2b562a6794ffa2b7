#pragma once

#include <cstdint>

// A function that is compiled for AVX-512 together with all that it calls, which is inlined; for
// has_avx512() to choose.
#if defined(__x86_64__)
#define ONECYCLE_FOR_AVX512 \
  __attribute__((flatten, target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")))
#else
#define ONECYCLE_FOR_AVX512
#endif

namespace onecycle::kernels {

// Channels that loops of the CPU take at a time (kernels/lanes.h).
constexpr std::int64_t kLanes = 16;

// Whether this processor runs x86-64-v4: AVX-512 F, BW, DQ and VL.
inline bool has_avx512() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
#else
  return false;
#endif
}

// Whether it multiplies bf16 values in pairs.
inline bool has_bf16_products() {
#if defined(__x86_64__)
  return has_avx512() && __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

// Whether it multiplies tiles of bf16 matrices (AMX).
inline bool has_tiles() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("amx-bf16") != 0;
#else
  return false;
#endif
}

}  // namespace onecycle::kernels
