#pragma once

#include "onecycle/batch_fit.h"

namespace onecycle {

// The two halves of probe_batch, which a caller of its own may watch and stop.
struct ProbedSteps {
  RunEnd end;
  double samples_per_second = 0;  // 0: the run did not finish
};

// Of the first half, before anything but steps takes memory.
inline constexpr std::int64_t kStepsBeforeEvaluation = 2;

// A few steps, with all else that takes memory in a whole run. The rate is that of the second step.
ProbedSteps take_first_steps(const Run& run, StopSignal& stop, Observer* watch = nullptr);

// Nothing but steps, for as long as a rate needs where they come at about `samples_per_second`. The
// rate is the median, warm-up left out.
ProbedSteps time_steps(const Run& run, double samples_per_second, StopSignal& stop);

// Collective: a size fits where it fits on every rank; together they are as fast as their slowest
// allows.
void agree(Group& group, BatchProbe& probe);

// Why a run that ended so does not fit; "" where it does.
std::string obstacle(const RunEnd& end);

}  // namespace onecycle
