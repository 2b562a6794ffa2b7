#pragma once

#include "onecycle/events.h"

#include <cstdint>
#include <optional>

namespace onecycle {

// Ends a run whose validation has not improved by more than `min_delta` for `patience` evaluations.
class EarlyStop : public Observer {
 public:
  // By the validation loss where `by_loss`, else by its first metric.
  EarlyStop(std::int64_t patience, double min_delta, bool by_loss);

  void on_run_begin(const RunBegin& event) override;
  void on_evaluated(const Evaluated& event, StopSignal& stop) override;

  std::string name() const override { return "early_stop"; }
  std::string state() override;
  void restore(const std::string& state, std::int64_t steps) override;

 private:
  std::string best_text() const;

  std::int64_t patience_;
  double min_delta_;
  bool by_loss_;
  Goal goal_ = Goal::lower_loss;
  bool in_own_unit_ = false;  // what is monitored: no share of samples, and no loss
  std::string monitored_ = "loss";
  std::optional<double> best_;  // as improvement() makes it: larger is better
  std::int64_t since_best_ = 0;
};

}  // namespace onecycle
