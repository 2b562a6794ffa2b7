#pragma once

#include <string>

#include <ATen/core/Tensor.h>

namespace onecycle {

// Mean and population standard deviation.
struct Moments {
  double mean = 0;
  double std = 1;
};

// Of [N], float64, in float64; a deviation of 1 where all values are the same. Throws DataError,
// which names `what`, where the mean is beyond kLargestDeviation or the deviation is not within
// kLeastDeviation and kLargestDeviation.
Moments moments_of(const at::Tensor& values, const std::string& what);

// Throws that DataError.
void check_moments(const Moments& moments, const std::string& what);

}  // namespace onecycle
