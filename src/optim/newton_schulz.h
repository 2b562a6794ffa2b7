#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace onecycle {

// The memory in which matrices of one shape [m, n], m <= n, are made nearly orthogonal together.
class NewtonSchulz {
 public:
  // For up to `count` matrices; `options`: where and in which type the iterations compute.
  NewtonSchulz(std::int64_t count, std::int64_t m, std::int64_t n,
               const at::TensorOptions& options);

  // The nearest matrices with orthonormal rows, roughly: Newton-Schulz iterations with K. Jordan's
  // quintic coefficients, after which singular values lie about .7 to 1.2. `matrices` is [count or
  // fewer, m, n], each matrix for itself; the result is in the type of the iterations, without
  // gradients, and overwritten by the next call.
  at::Tensor orthogonalise(const at::Tensor& matrices, std::int64_t iterations);

 private:
  at::Tensor x_;           // [count, m, n]
  at::Tensor next_;        // likewise
  at::Tensor gram_;        // [as many as go together, m, m]
  at::Tensor polynomial_;  // likewise
};

}  // namespace onecycle
