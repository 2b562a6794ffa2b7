#pragma once

#include "onecycle/range_test.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace onecycle {

struct SeededSweep {
  std::int64_t seed = 0;  // the run's
  SweepCurve curve;
};
using SweepWith = std::function<SeededSweep(std::int64_t seed_offset, const Sweep& plan)>;

// What the best outputs that are the same for every sample reach on held-out samples: what a
// network that learns nothing from its inputs can come to.
struct Guessing {
  std::int64_t samples = 0;
  std::optional<double> accuracy = {};  // the share of the most frequent class
  std::vector<double> losses = {};      // of each sample; empty: not known
};

// The same over sweeps made in any way. One that is interrupted ends the test. `guessing` is asked
// at most once, where there is a number; empty: not known.
RangeTest range_test_over(const SweepWith& sweep_with, const RangeTestOptions& options,
                          const std::function<Guessing()>& guessing = {});

// Pools sweeps of the same plan.
std::vector<SmoothedPoint> smooth(const std::vector<const SweepCurve*>& curves,
                                  SweepAxis axis = SweepAxis::lr);

}  // namespace onecycle
