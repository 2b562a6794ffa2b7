#pragma once

#include <ATen/core/Tensor.h>

namespace onecycle {

// relu(a b^T + bias) of a [n, k] and b [m, k], of any strides; bias [m] may be undefined, `relu`
// may be off. Not differentiable. On CPUs by oneDNN, whose fp32 product takes half the time of
// MKL's on AMD processors with AVX-512 and is its equal elsewhere; where LibTorch has none, and for
// other devices and dtypes than fp32 and bf16, by ATen.
at::Tensor product(const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias = {},
                   bool relu = false);

}  // namespace onecycle
