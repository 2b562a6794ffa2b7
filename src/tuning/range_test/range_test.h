#pragma once

#include "onecycle/range_test.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace onecycle {

struct SeededSweep {
  std::int64_t seed = 0;  // the run's
  SweepCurve curve;
};
using SweepWith = std::function<SeededSweep(std::int64_t seed_offset, const Sweep& plan)>;

// The same over sweeps made in any way. One that is interrupted ends the test.
RangeTest range_test_over(const SweepWith& sweep_with, const RangeTestOptions& options);

// Pools sweeps of the same plan.
std::vector<SmoothedPoint> smooth(const std::vector<const SweepCurve*>& curves,
                                  SweepAxis axis = SweepAxis::lr);

}  // namespace onecycle
