#pragma once

#include "onecycle/events.h"

#include <cstdint>
#include <optional>

namespace onecycle {

// How long a run still takes, by what it took so far: steps and evaluations apart, those yet to
// come counted. The first step is left out, as it sets up more than it trains; the first evaluation
// likewise, once there is a second. Before there is one, a sample evaluated counts as a third of
// one trained, the forward pass of it. Times are in seconds, by any clock that only goes forward.
class TimeLeft {
 public:
  // Before the first step of a session.
  void begin(const RunBegin& run, double now);
  // The run goes on after `steps`: what it took to get there does not count.
  void restart(std::int64_t steps, double now);
  // A step was queued: `steps` are taken.
  void stepped(std::int64_t steps, double now);
  // The device was read, so that these steps are done, not queued alone.
  void logged(std::int64_t steps, double now);
  // An evaluation ended, which began when the device was last read.
  void evaluated(bool with_test, double now);

  // Seconds until the end; none before two steps of the session.
  std::optional<double> seconds() const;

 private:
  struct Moment {
    std::int64_t steps = 0;
    double now = 0;
    double evaluating = 0;  // seconds, since the session began
  };

  static std::optional<double> seconds_a_step(const std::optional<Moment>& from,
                                              const std::optional<Moment>& to);
  std::int64_t samples_evaluated(bool with_test) const;
  std::int64_t samples_to_evaluate() const;

  RunBegin run_;
  Moment latest_;
  std::optional<Moment> first_step_;  // its end
  std::optional<Moment> first_log_;
  std::optional<Moment> last_log_;
  double evaluating_ = 0;             // seconds, since the session began
  double evaluating_counted_ = 0;     // of the evaluations that count
  std::int64_t samples_counted_ = 0;  // likewise
  std::int64_t evaluations_ = 0;
  std::int64_t evaluated_at_ = -1;  // steps, at the last
};

}  // namespace onecycle
