#pragma once

#include "tuning/range_test.h"

#include <string>
#include <vector>

namespace onecycle {

// The same linear sweep for each value of one hyper-parameter, drawn together (L. Smith, arXiv
// 1803.09820, sections 4.3 and 4.4). Best: the lowest held-out loss among those stable up to the
// largest learning rate that any of them reaches.
struct OverlayPlan {
  std::string key;             // "weight_decay" or "momentum"
  std::vector<double> values;  // weight decay in l2 units
  Sweep sweep;
};

using MakeRunWith = std::function<Run(double value)>;

// Adds the overlays and what they say to `test`.
void add_overlays(RangeTest& test, const OverlayPlan& plan, const MakeRunWith& make_run,
                  StopSignal& stop, Observer* progress);

}  // namespace onecycle
