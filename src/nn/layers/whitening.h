#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace onecycle {

// Filters [2 C k k, C, k, k], fp32, that make the k x k patches of images [N, C, H, W] white: row i
// is v_i / sqrt(l_i + eps), l_i the eigenvalues, the largest first, and v_i the eigenvectors of the
// patches' second moments E[p p^T] (their covariance where the images' mean is 0); the second half
// is the first one negated. Computed in fp64.
at::Tensor whitening_filters(const at::Tensor& images, std::int64_t kernel, double eps);

}  // namespace onecycle
