#pragma once

#include "onecycle/schedule.h"

#include <cstdint>
#include <functional>
#include <vector>

// A look at a whole run's schedule that takes no longer the longer the run is.
namespace onecycle {

// What a Schedule may be besides: one that knows where its quantities turn or jump.
class Cornered {
 public:
  virtual ~Cornered() = default;
  // Each is the step there, or the last one before. Those outside the run need not be left out.
  virtual std::vector<std::int64_t> corners(std::int64_t total) const = 0;
};

// None where the schedule does not know them.
std::vector<std::int64_t> corners_of(const Schedule& schedule, std::int64_t total);

// The longest run that is looked at step by step.
constexpr std::int64_t kWholeSurvey = (1 << 16) - 1;

// Calls look(step, hyper, count) for steps of a run of `total`; counts add up to `total`.
// Up to kWholeSurvey these are all steps in order, with a count of 1. A longer run is cut into
// stretches that grow with the steps before them, from one step to a 32,768th of the run, and a
// step of each stands for all of it; then the corners with the steps beside them, and the last
// step, are looked at with a count of 0. That is fewer than 100,000 looks in any run.
void survey(
    const Schedule& schedule, std::int64_t total,
    const std::function<void(std::int64_t step, const Hyper& hyper, std::int64_t count)>& look);

}  // namespace onecycle
