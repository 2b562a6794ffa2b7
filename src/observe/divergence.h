#pragma once

#include "onecycle/events.h"

#include <cstdint>
#include <optional>

namespace onecycle {

// Ends a run whose training loss between two log points exceeds `factor` times the larger of the
// first such loss and that of guessing, ln(classes).
class DivergenceWatch : public Observer {
 public:
  DivergenceWatch(double factor, std::int64_t num_classes);

  void on_log_point(const LogPoint& point, StopSignal& stop) override;

 private:
  double factor_;
  double reference_;
  bool started_ = false;
};

}  // namespace onecycle
