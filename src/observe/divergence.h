#pragma once

#include "onecycle/events.h"

#include <cstdint>

namespace onecycle {

// Ends a run whose training loss between two log points exceeds, `window` times in a row, `factor`
// times the larger of the first such loss and that of guessing, where the task knows one.
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
  double guessing_ = 0;
  double reference_ = 0;  // 0 before the first log point
  std::int64_t in_a_row_ = 0;
};

}  // namespace onecycle
