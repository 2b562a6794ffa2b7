#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace onecycle {

// The nearest matrix with orthonormal rows or columns, roughly: Newton-Schulz iterations with K.
// Jordan's quintic coefficients, after which singular values lie about .7 to 1.2. `matrix` is
// two-dimensional; the iterations compute in `type`, in which the result is.
at::Tensor orthogonalised(const at::Tensor& matrix, std::int64_t iterations, at::ScalarType type);

}  // namespace onecycle
