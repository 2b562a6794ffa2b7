#pragma once

#include "kernels/update/averages.h"

namespace onecycle::kernels {

// One element of an average: kept + weight (live - kept), from the nearer end, as torch.lerp does.
template <class T>
struct AverageElement {
  T factor;
  bool from_kept;

  ONECYCLE_HOST_DEVICE T moved(T kept, T live) const {
    const T base = from_kept ? kept : live;
    return base + factor * (live - kept);
  }
};

template <class T>
ONECYCLE_HOST_DEVICE inline AverageElement<T> average_element(const AverageNumbers& numbers) {
  const T weight = static_cast<T>(numbers.weight);
  const bool from_kept = weight < T(0.5) && weight > T(-0.5);
  return {from_kept ? weight : weight - T(1), from_kept};
}

}  // namespace onecycle::kernels
