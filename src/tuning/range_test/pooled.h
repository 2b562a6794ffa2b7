#pragma once

#include "tuning/range_test/range_test.h"
#include "tuning/range_test/rules.h"

#include <cstdint>
#include <string>
#include <vector>

namespace onecycle {

// Sweeps of one plan, one a seed, as Smith's rule reads them.
struct PooledSweeps {
  std::vector<SmoothedPoint> points;
  Measure measure = Measure::accuracy;
  std::int64_t samples = 0;  // of all sweeps
  // The smoothed loss of each held-out sample: where losses are the measure their mean is the
  // smoothed loss. Null where one of the sweeps has none.
  LossesOfSamples sample_losses = {};

  // Of held-out samples at each point, smoothed: larger is better.
  std::vector<double> worth() const;
  Tolerance tolerance() const;
};

// Smooths all points together. Every sweep looks at the same held-out samples, so that the samples'
// losses are smoothed over the sweeps as well: their paired differences are those of what the rule
// compares. Held-out losses count as the largest of the sweeps' first looks where they are larger,
// each sample's by itself: a network that is worse than untrained has nothing more to tell. Throws
// Error where held-out losses may be negative, or are, and not all sweeps have
// those of the samples.
PooledSweeps pool(const std::vector<const SweepCurve*>& curves);

// The rule's answer; `beyond` as there.
Suggestion smith_on(const PooledSweeps& sweeps, const std::string& beyond);

// The best of the points' worth; below all numbers where there is none and losses are the measure,
// else 0.
double reach_of(const PooledSweeps& sweeps);
// Two standard errors of the difference of what they reach: paired where both looked at the same
// samples' losses.
double noise_between(const PooledSweeps& first, const PooledSweeps& second);
// Whether the first reaches more than the second, by more than noise_between() them.
bool reaches_more(const PooledSweeps& first, const PooledSweeps& second);

}  // namespace onecycle
