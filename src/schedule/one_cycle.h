#pragma once

#include "schedule/curves.h"

#include <cstdint>
#include <optional>
#include <vector>

// The one-cycle curves, policy by policy.
namespace onecycle::schedule {

using Policy = OneCycle::Policy;

// A policy with every number settled.
struct OneCyclePlan {
  Policy policy = Policy::smith;
  double lr_first = 0;
  double lr_max = 0;
  double lr_final = 0;
  std::optional<std::int64_t> stepsize;  // steps; smith and smith_caffe; unset: 45 % of the run
  double pct_start = 0;                  // fastai and torch
  Shape shape = Shape::cosine;           // torch
  bool three_phase = false;              // torch
};

// Of the way up, and of the way down, of smith and smith_caffe; steps.
std::int64_t one_cycle_stepsize(const OneCyclePlan& plan, std::int64_t total);
double one_cycle_lr(const OneCyclePlan& plan, std::int64_t step, std::int64_t total);
// From `high` down to `low` while the learning rate rises, and back.
double one_cycle_momentum(const OneCyclePlan& plan, double low, double high, std::int64_t step,
                          std::int64_t total);
// The steps, or places between two, at which the phases end.
std::vector<double> one_cycle_corners(const OneCyclePlan& plan, std::int64_t total);

}  // namespace onecycle::schedule
