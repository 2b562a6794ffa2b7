#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <immintrin.h>

// Sixteen lanes of two bf16 values each, for files compiled with AVX-512 BF16: everything has
// internal linkage, as in kernels/lanes.h.
namespace onecycle::kernels {

namespace {

using Bf16 = std::uint16_t;

constexpr std::int64_t kPair = 2;
constexpr std::int64_t kPairLanes = 16;
constexpr std::int64_t kPairVector = kPair * kPairLanes;  // values

inline __m512bh pairs_at(const Bf16* from) {
  return reinterpret_cast<__m512bh>(_mm512_loadu_si512(from));
}

// The same two values in every lane.
inline __m512bh pair_everywhere(const Bf16* from) {
  int pair = 0;
  std::memcpy(&pair, from, sizeof pair);
  return reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
}

// sum + a[0] b[0] + a[1] b[1] in every lane.
inline __m512 add_products(__m512 sum, __m512bh a, __m512bh b) {
  return _mm512_dpbf16_ps(sum, a, b);
}

// The first of sixteen lanes: none for 0 and fewer, all for 16 and more.
inline __mmask16 first_lanes(std::int64_t count) {
  return static_cast<__mmask16>((1U << std::clamp<std::int64_t>(count, 0, kPairLanes)) - 1);
}

// As bf16, to the nearest, ties to even.
inline void store_rounded(Bf16* to, __m512 values, __mmask16 lanes) {
  _mm256_mask_storeu_epi16(to, lanes, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(values)));
}

// {a, b} of every lane.
inline __m512i woven(__m256i a, __m256i b) {
  const __m512i order = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40,
                                         8, 39, 7, 38, 6, 37, 5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
  return _mm512_permutex2var_epi16(_mm512_castsi256_si512(a), order, _mm512_castsi256_si512(b));
}

// to[i] = {a[i], b[i]} for i < count; b null: zeros.
inline void weave(const Bf16* a, const Bf16* b, std::int64_t count, Bf16* to) {
  std::int64_t i = 0;
  for (; b != nullptr && i + kPairLanes <= count; i += kPairLanes)
    _mm512_storeu_si512(to + kPair * i,
                        woven(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + i)),
                              _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + i))));
  for (; i < count; i += kPairLanes) {
    const __mmask16 lanes = first_lanes(count - i);
    const __m256i second =
        b == nullptr ? _mm256_setzero_si256() : _mm256_maskz_loadu_epi16(lanes, b + i);
    _mm512_mask_storeu_epi32(to + kPair * i, lanes,
                             woven(_mm256_maskz_loadu_epi16(lanes, a + i), second));
  }
}

}  // namespace
}  // namespace onecycle::kernels
