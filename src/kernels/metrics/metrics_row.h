#pragma once

#include "kernels/metrics/metrics.h"

namespace onecycle::kernels {

ONECYCLE_HOST_DEVICE inline double value_of(const MeanLoss& loss) {
  return loss.type == ScalarType::f64 ? *static_cast<const double*>(loss.place)
                                      : *static_cast<const float*>(loss.place);
}

// Whether one of the classes first, first + kStep, ... of a row of logits keeps `label`, one of its
// classes, from being the first of the largest, as std::max_element finds it, NaN included.
template <std::int64_t kStep>
ONECYCLE_HOST_DEVICE bool is_beaten(const float* row, std::int64_t num_classes, std::int64_t label,
                                    std::int64_t first) {
  const float own = row[label];
  if (label > 0 && (own != own || row[0] != row[0])) return true;
  int beaten = 0;
  std::int64_t c = first;
  for (; c < label; c += kStep) beaten |= row[c] >= own;
  for (; c < num_classes; c += kStep) beaten |= row[c] > own;
  return beaten != 0;
}

}  // namespace onecycle::kernels
