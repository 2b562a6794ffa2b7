#pragma once

#include "onecycle/events.h"
#include "onecycle/recipe.h"

#include <cstdint>
#include <optional>

namespace onecycle {

// Ends a run whose validation has not improved by more than `min_delta` for `patience` evaluations.
class EarlyStop : public Observer {
 public:
  EarlyStop(std::int64_t patience, double min_delta, Monitor monitor);

  void on_evaluated(const Evaluated& event, StopSignal& stop) override;

  std::string name() const override { return "early_stop"; }
  std::string state() override;
  void restore(const std::string& state, std::int64_t steps) override;

 private:
  std::int64_t patience_;
  double min_delta_;
  Monitor monitor_;
  std::optional<double> best_;  // larger is better: a loss is negated
  std::int64_t since_best_ = 0;
};

}  // namespace onecycle
