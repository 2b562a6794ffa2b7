#pragma once

#include "kernels/norm/batch_norm.h"
#include "kernels/scalar_type.h"

#include <cmath>
#include <cstdint>

// What the passes of a batch norm do to a pack of values, on a GPU and in the tests' walk of its
// kernels on the CPU. Arithmetic is fp32.
namespace onecycle::kernels {

// Before a loop over a pack's values: they stay in registers.
#ifdef __CUDACC__
#define ONECYCLE_UNROLL _Pragma("unroll")
#else
#define ONECYCLE_UNROLL
#endif

ONECYCLE_HOST_DEVICE inline float to_float(float value) { return value; }

ONECYCLE_HOST_DEVICE inline void store_value(float* to, float value) { *to = value; }
ONECYCLE_HOST_DEVICE inline void store_value(BFloat16* to, float value) {
  *to = to_bfloat16(value);
}
ONECYCLE_HOST_DEVICE inline void store_value(Float16* to, float value) { *to = to_float16(value); }

// Neighbouring values, read and written at once.
template <class T, int kSize>
struct alignas(kSize * sizeof(T)) Pack {
  T values[kSize];
};

template <class T, int kSize>
ONECYCLE_HOST_DEVICE Pack<T, kSize> load_pack(const T* from) {
  return *reinterpret_cast<const Pack<T, kSize>*>(from);
}

template <class T, int kSize>
ONECYCLE_HOST_DEVICE void store_pack(T* to, const Pack<T, kSize>& pack) {
  *reinterpret_cast<Pack<T, kSize>*>(to) = pack;
}

// 1 / sqrt(variance + eps)
ONECYCLE_HOST_DEVICE inline float inverse_deviation(float variance, float eps) {
  return 1.0f / sqrtf(variance + eps);
}

ONECYCLE_HOST_DEVICE inline float normalised_value(float x, float scale, float shift) {
  return fmaf(x, scale, shift);
}

// How much of the normal distribution lies below z.
ONECYCLE_HOST_DEVICE inline float normal_share(float z) { return 0.5f * erfcf(-z * 0.707106781f); }

// NaN stays NaN, as in ATen.
template <Activation kActivation>
ONECYCLE_HOST_DEVICE float activate(float z) {
  if (kActivation == Activation::relu) return z < 0 ? 0.0f : z;
  if (kActivation == Activation::gelu) return z * normal_share(z);
  return z;
}

// `gradient` of the activation's output as that of its input z; for ReLU its output does as well.
template <Activation kActivation>
ONECYCLE_HOST_DEVICE float through_activation(float z, float gradient) {
  if (kActivation == Activation::relu) return z > 0 ? gradient : 0.0f;
  if (kActivation == Activation::gelu)
    return gradient * (normal_share(z) + z * expf(-0.5f * z * z) * 0.398942280f);
  return gradient;
}

// Mean and sum of squares about it, of two sets of values together (Chan, Golub & LeVeque 1983,
// The American Statistician 37(3)).
struct Spread {
  float mean;
  float square;
};

// How sets of `a` and `b` values join: a > 0.
struct Joint {
  ONECYCLE_HOST_DEVICE Joint(float a, float b) : share(b / (a + b)), weight(a * share) {}
  float share;   // b / (a + b)
  float weight;  // a b / (a + b)
};

ONECYCLE_HOST_DEVICE inline Spread joined(const Spread& a, const Spread& b, const Joint& sizes) {
  const float apart = b.mean - a.mean;
  return {a.mean + apart * sizes.share, a.square + b.square + apart * apart * sizes.weight};
}

}  // namespace onecycle::kernels
