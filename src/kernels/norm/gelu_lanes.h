#pragma once

#include "kernels/lanes.h"

// GELU with the error function, as torch.nn.GELU(), of sixteen values at a time.
namespace onecycle::kernels {

namespace {

// exp(x), x <= 0, to 3e-7 of itself; 1e-38 for less than -87. By 2^n and Taylor's series of what
// is left, at most ln 2 / 2.
inline Floats exponential(Floats x) {
  // Adding 1.5 2^23 rounds to an integer, which the lowest bits then hold: here with the bias of
  // an fp32's exponent.
  constexpr float kRound = 12582912 + 127;
  constexpr float kLog2High = 0.693359375f, kLog2Low = -2.12194440e-4f;  // Cephes, expf
  const Floats least = Floats{} - 87;
  x = least > x ? least : x;
  const Floats biased = x * 1.44269504f + kRound;
  const Floats n = biased - kRound;
  const Floats r = x - n * kLog2High - n * kLog2Low;
  Floats series = r * (1.f / 720) + 1.f / 120;
  series = series * r + 1.f / 24;
  series = series * r + 1.f / 6;
  series = series * r + 0.5f;
  series = series * r + 1;
  series = series * r + 1;
  return series * reinterpret_cast<Floats>(reinterpret_cast<Words>(biased) << 23);
}

struct NormalAt {
  Floats below;    // Phi(z): how much of the normal distribution lies below z
  Floats density;  // there, sqrt(2 pi) times
};

// Phi to 8e-8: Abramowitz and Stegun 7.1.26, as ATen's vectors have it.
inline NormalAt normal_at(Floats z) {
  const auto size = reinterpret_cast<Floats>(reinterpret_cast<Words>(z) & 0x7fffffff);
  const Floats x = size * 0.707106781f;
  const Floats e = exponential(-x * x);
  const Floats t = 1 / (1 + 0.3275911f * x);
  Floats series = t * 1.061405429f - 1.453152027f;
  series = series * t + 1.421413741f;
  series = series * t - 0.284496736f;
  series = series * t + 0.254829592f;
  const Floats tail = series * t * e * 0.5f;
  return {z < 0 ? tail : 1 - tail, e};
}

inline Floats gelu(Floats z) { return z * normal_at(z).below; }

inline Floats gelu_slope(Floats z) {
  const NormalAt normal = normal_at(z);
  return normal.below + z * normal.density * 0.398942280f;
}

}  // namespace
}  // namespace onecycle::kernels
