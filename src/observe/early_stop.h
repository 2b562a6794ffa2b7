#pragma once

#include "onecycle/events.h"

#include <cstdint>
#include <optional>

namespace onecycle {

// Ends a run whose validation has not improved by more than `min_delta` for `patience` evaluations.
class EarlyStop : public Observer {
 public:
  // By the validation loss where `by_loss`, else by its accuracy.
  EarlyStop(std::int64_t patience, double min_delta, bool by_loss);

  void on_evaluated(const Evaluated& event, StopSignal& stop) override;

  std::string name() const override { return "early_stop"; }
  std::string state() override;
  void restore(const std::string& state, std::int64_t steps) override;

 private:
  std::int64_t patience_;
  double min_delta_;
  bool by_loss_;
  std::optional<double> best_;  // larger is better: a loss is negated
  std::int64_t since_best_ = 0;
};

}  // namespace onecycle
