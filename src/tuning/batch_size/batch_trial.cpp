#include "onecycle/batch_fit.h"

#include "core/text/format.h"

#include <chrono>

namespace onecycle {

namespace {

// Ends a run at the first step after its time.
class WallClock : public Observer {
 public:
  WallClock(double seconds, StopSignal& stop) : seconds_(seconds), stop_(stop) {}

  void on_run_begin(const RunBegin&) override { started_ = Clock::now(); }
  void on_batch_end(const BatchEnd&) override {
    if (std::chrono::duration<double>(Clock::now() - started_).count() < seconds_) return;
    stop_.request(StopReason::early_stopped, format("its {:.3g} seconds are over", seconds_));
  }

 private:
  using Clock = std::chrono::steady_clock;

  double seconds_;
  StopSignal& stop_;
  Clock::time_point started_;
};

std::optional<double> accuracy_of(const std::optional<Score>& score) {
  return score ? std::optional<double>(score->metric()) : std::nullopt;
}

std::optional<double> measure(const Run& run, const std::shared_ptr<Source>& samples) {
  if (!samples) return std::nullopt;
  return evaluate(run, *samples, /*full_precision=*/true).metric();
}

}  // namespace

BatchTrial train_trial(const Run& run, std::optional<double> seconds,
                       const std::vector<Observer*>& observers) {
  Trainer trainer(run);
  std::optional<WallClock> clock;
  if (seconds) trainer.observe(clock.emplace(*seconds, trainer.stop()));
  for (Observer* observer : observers) trainer.observe(*observer);
  const RunEnd end = trainer.fit();

  BatchTrial trial;
  trial.batch = run.steps.micro_batch;
  trial.lr_max = run.rule.lr_max;
  trial.steps = end.steps;
  trial.planned = run.steps.total_steps;
  trial.seconds = end.train_seconds;
  const bool cut = end.reason == StopReason::early_stopped;
  if (end.reason != StopReason::finished && !cut) {
    trial.failure = end.message;
    return trial;
  }
  // A run that is stopped makes no last evaluation.
  const bool evaluated = end.validation || end.test || !cut;
  trial.validation = evaluated ? accuracy_of(end.validation) : measure(run, run.validation);
  trial.test = evaluated ? accuracy_of(end.test) : measure(run, run.test);
  return trial;
}

}  // namespace onecycle
