#include "data/moments.h"

#include "onecycle/data.h"
#include "onecycle/error.h"

#include "core/text/format.h"

#include <cmath>

#include <ATen/ATen.h>

namespace onecycle {

Moments moments_of(const at::Tensor& values, const std::string& what) {
  const double mean = values.mean().item<double>();
  const double std = (values - mean).square().mean().sqrt().item<double>();
  const bool constant = values.eq(values[0]).all().item<bool>();
  const Moments moments = constant ? Moments{values[0].item<double>(), 1} : Moments{mean, std};
  check_moments(moments, what);
  return moments;
}

void check_moments(const Moments& moments, const std::string& what) {
  const auto [mean, std] = moments;
  if (!(std >= kLeastDeviation && std <= kLargestDeviation))
    throw DataError(
        format("{}: its standard deviation is {}, beyond {} to {}; scale the values, or leave them "
               "out",
               what, std, kLeastDeviation, kLargestDeviation));
  if (!(std::abs(mean) <= kLargestDeviation))
    throw DataError(format("{}: its mean is {}, beyond {}; scale the values, or leave them out",
                           what, mean, kLargestDeviation));
}

}  // namespace onecycle
