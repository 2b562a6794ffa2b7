#pragma once

namespace onecycle {

// What is known of a run's losses so far.
struct LossesSeen {
  double first = 0;
  double best = 0;
  bool may_be_negative = false;  // the task's
};

// Whether differences of losses mean something, and ratios do not: some may be negative, or are.
// Nothing changes then with a constant that is added to all of them.
inline bool by_differences(const LossesSeen& seen) { return seen.may_be_negative || seen.best < 0; }

// The loss that is `factor` times as bad as `reference`: that many times it; by differences
// reference + (factor - 1) unit, where the unit is what was gained since the first loss, at least
// one nat.
double times_as_bad(double reference, double factor, const LossesSeen& seen);

}  // namespace onecycle
