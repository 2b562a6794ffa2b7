#pragma once

#include "tuning/range_test/range_test.h"

#include <string>
#include <vector>

namespace onecycle {

// The same sweep for each value of one hyper-parameter, drawn together (L. Smith, arXiv 1803.09820,
// sections 4.3 and 4.4). Best: the lowest held-out loss among those stable nearly as far as any.
// Over steps where the learning rate stays the same.
struct OverlayCase {
  std::string label;
  std::function<Run()> make_run;
};
inline constexpr const char* kWeightDecay = "weight decay";
struct OverlayPlan {
  std::vector<OverlayCase> cases;
  Sweep sweep;
  std::string of;  // kWeightDecay, where an effect too small to measure is said to be, or another

  SweepAxis axis() const { return sweep.low == sweep.high ? SweepAxis::step : SweepAxis::lr; }
};

// Adds the overlays and what they say to `test`.
void add_overlays(RangeTest& test, const OverlayPlan& plan, StopSignal& stop, Observer* progress);

// Momentum rises from `low` to `high` at one learning rate: a curve over momentum, beside the
// overlays. Smith found its minimum of little use for choosing a momentum (section 4.2).
struct MomentumRange {
  double lr = 0;
  double low = 0.7;
  double high = 0.99;
};
void add_momentum_range(RangeTest& test, const MomentumRange& range, const Sweep& like, Run& run,
                        StopSignal& stop, Observer* progress);

}  // namespace onecycle
