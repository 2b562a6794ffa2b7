#pragma once

#include "onecycle/events.h"

#include <cstdint>
#include <optional>

namespace onecycle {

// Ends a run whose training loss between two log points is, `window` times in a row, more than
// `factor` times as bad (times_as_bad() of core/loss_rise.h) as the larger of the first such loss
// and that of guessing, where the task knows one.
class DivergenceWatch : public Observer {
 public:
  DivergenceWatch(double factor, std::int64_t window);

  void on_run_begin(const RunBegin& event) override;
  void on_log_point(const LogPoint& point, StopSignal& stop) override;

  std::string name() const override { return "divergence"; }
  std::string state() override;
  void restore(const std::string& state, std::int64_t steps) override;

 private:
  double factor_;
  std::int64_t window_;
  std::optional<double> guessing_;
  std::optional<double> reference_;  // empty before the first log point
  double best_ = 0;                  // where there is a reference
  bool may_be_negative_ = false;
  std::int64_t in_a_row_ = 0;
};

}  // namespace onecycle
