#pragma once

#include "kernels/lane_count.h"
#include "kernels/scalar_type.h"

#include <cstdint>
#include <cstring>
#if defined(__AVX512BW__)
#include <immintrin.h>
#endif

// Sixteen channels at a time, computed with in fp32, stored in fp32 or bf16. For files that are
// compiled once for every kind of processor: everything has internal linkage, since a copy made for
// a newer one must not stand in for that of an older one.
namespace onecycle::kernels {

namespace {

using Floats = float __attribute__((vector_size(4 * kLanes)));
using Words = std::uint32_t __attribute__((vector_size(4 * kLanes)));
using Halves = std::uint16_t __attribute__((vector_size(2 * kLanes)));
using Bf16 = std::uint16_t;

inline Floats load(const float* from) {
  Floats values;
  std::memcpy(&values, from, sizeof values);
  return values;
}

inline Floats load(const Bf16* from) {
  Halves halves;
  std::memcpy(&halves, from, sizeof halves);
  return reinterpret_cast<Floats>(__builtin_convertvector(halves, Words) << 16);
}

inline void store(float* to, Floats values) { std::memcpy(to, &values, sizeof values); }

// To the nearest, ties to even.
inline void store(Bf16* to, Floats values) {
  const auto bits = reinterpret_cast<Words>(values);
  const Words nearest = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const auto is_nan = reinterpret_cast<Words>(values != values);
  const Halves halves = __builtin_convertvector((nearest & ~is_nan) | (0x7fc0 & is_nan), Halves);
  std::memcpy(to, &halves, sizeof halves);
}

#if defined(__AVX512BW__)
inline void store_past_caches(float* to, Floats values) {
  _mm512_stream_ps(to, reinterpret_cast<__m512>(values));
}

inline void store_past_caches(Bf16* to, Floats values) {
  alignas(2 * kLanes) Bf16 halves[kLanes];
  store(halves, values);
  auto* const at = reinterpret_cast<__m256i*>(to);
  _mm256_stream_si256(at, *reinterpret_cast<const __m256i*>(halves));
}

inline void finish_stores() { _mm_sfence(); }
#else
template <class T>
void store_past_caches(T* to, Floats values) {
  store(to, values);
}

inline void finish_stores() {}
#endif

// `past_caches`: of no use to what is larger than they are, where memory would also be read before
// it is written. `to` is then aligned to 16 values; finish_stores() afterwards.
template <class T>
void store(T* to, Floats values, bool past_caches) {
  past_caches ? store_past_caches(to, values) : store(to, values);
}

inline Floats where_positive(Floats condition, Floats values) {
  const auto positive = reinterpret_cast<Words>(condition > 0);
  return reinterpret_cast<Floats>(reinterpret_cast<Words>(values) & positive);
}

// NaN stays NaN, as in ATen's ReLU.
inline Floats rectified(Floats values) {
  const auto negative = reinterpret_cast<Words>(values < 0);
  return reinterpret_cast<Floats>(reinterpret_cast<Words>(values) & ~negative);
}

// Calls `body` with a value of the type.
template <class Body>
void with_type(ScalarType type, const Body& body) {
  type == ScalarType::bf16 ? body(Bf16()) : body(float());
}

}  // namespace
}  // namespace onecycle::kernels
