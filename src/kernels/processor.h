#pragma once

#include <cstdint>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

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
  // Not every compiler's __builtin_cpu_supports() knows it: leaf 7's EDX, bit 22.
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx >> 22 & 1) != 0;
#else
  return false;
#endif
}

}  // namespace onecycle::kernels
