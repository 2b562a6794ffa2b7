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
  if (values.eq(values[0]).all().item<bool>()) return {values[0].item<double>(), 1};
  if (!std::isfinite(mean) || !(std >= kLeastDeviation && std <= kLargestDeviation))
    throw DataError(
        format("{}: its standard deviation is {}, beyond {} to {}; scale the values, or leave them "
               "out",
               what, std, kLeastDeviation, kLargestDeviation));
  return {mean, std};
}

}  // namespace onecycle
