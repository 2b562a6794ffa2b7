#include "onecycle/error.h"
#include "onecycle/range_test.h"

#include "core/loss_rise.h"
#include "core/text/format.h"
#include "schedule/survey.h"
#include "train/run_plan.h"
#include "train/state/kept_state.h"
#include "tuning/range_test/smoothing.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

class SweepSchedule : public Schedule {
 public:
  SweepSchedule(const Sweep& plan, const Hyper& begin, const Hyper& peak)
      : plan_(plan),
        begin_(begin),
        momentum_(plan.momentum.value_or(std::pair(begin.momentum, peak.momentum))) {}

  Hyper at(std::int64_t step, std::int64_t total) const override {
    const double last = static_cast<double>(std::max<std::int64_t>(1, total - 1));
    const double p = std::min(1.0, static_cast<double>(step) / last);
    Hyper hyper = begin_;
    hyper.lr = plan_.shape == SweepShape::linear ? plan_.low + p * (plan_.high - plan_.low)
                                                 : plan_.low * std::pow(plan_.high / plan_.low, p);
    hyper.momentum = momentum_.first + p * (momentum_.second - momentum_.first);
    return hyper;
  }

 private:
  Sweep plan_;
  Hyper begin_;
  std::pair<double, double> momentum_;
};

Hyper peak_of(const Run& run) {
  Hyper peak = run.schedule->at(0, run.steps.total_steps);
  survey(*run.schedule, run.steps.total_steps, [&](std::int64_t, const Hyper& hyper, std::int64_t) {
    if (hyper.lr > peak.lr) peak = hyper;
  });
  return peak;
}

// Samples that the sweep looks at.
std::int64_t held_out_of(const Sweep& plan, const Run& run) {
  return plan.evaluate_every == 0 || !run.validation
             ? 0
             : std::min(plan.held_out, run.validation->size());
}

Measure measure_of(const Task& task) {
  const std::vector<Metric> metrics = task.metrics();
  const bool of_classes = task.targets().value_or(TargetKind::classes) == TargetKind::classes;
  const bool accuracy =
      of_classes && !metrics.empty() && metrics[0].is_fraction && metrics[0].larger_is_better;
  return accuracy ? Measure::accuracy : Measure::loss;
}

// The run's schedule, lengths and options along a sweep; its parts are the run's own.
Run along(const Sweep& plan, const Run& run) {
  Run swept = run;
  swept.schedule = std::make_shared<SweepSchedule>(plan, run.schedule->at(0, run.steps.total_steps),
                                                   peak_of(run));
  swept.freezing = run.freezing.held(plan.phase);
  swept.steps.total_steps = plan.steps;
  swept.test = nullptr;
  const std::int64_t held_out = held_out_of(plan, run);
  swept.validation = held_out > 0 ? first_of(run.validation, held_out) : nullptr;
  const std::int64_t never = plan.steps + 1;
  swept.options.log_every = 1;
  swept.options.evaluate_every = held_out > 0 ? plan.evaluate_every : never;
  swept.options.test_every = never;
  swept.options.ema_decay.reset();
  swept.options.lookahead.every.reset();
  swept.options.tta = TestTimeAugmentation::none;
  swept.options.retries = 0;
  swept.options.sample_losses = held_out > 0;
  return swept;
}

class Recorder : public Observer {
 public:
  Recorder(SweepCurve& curve, double stop_factor) : curve_(curve), stop_factor_(stop_factor) {
    seen_.may_be_negative = curve.loss_may_be_negative;
  }

  void on_log_point(const LogPoint& point, StopSignal& stop) override {
    curve_.points.push_back(
        {point.step, point.hyper.lr, point.hyper.momentum, point.train.loss, {}, {}, {}});
    const double loss = average_.add(point.train.loss);
    if (point.step == 0) seen_.first = seen_.best = loss;
    seen_.best = std::min(seen_.best, loss);
    const double limit = times_as_bad(seen_.best, stop_factor_, seen_);
    if (loss > limit)
      stop.request(StopReason::diverged,
                   format("the smoothed training loss exceeded {} at a learning rate of {:.3g}",
                          by_differences(seen_) ? format("{:.3g}", limit)
                                                : format("{:.3g} times its best", stop_factor_),
                          point.hyper.lr));
  }
  void on_evaluated(const Evaluated& event, StopSignal&) override {
    if (!event.validation || curve_.points.empty()) return;
    curve_.points.back().held_out_loss = event.validation->loss;
    curve_.points.back().held_out_metric = event.validation->metric();
    curve_.points.back().sample_losses = event.validation_losses;
  }

 private:
  SweepCurve& curve_;
  double stop_factor_;
  CausalAverage average_;
  LossesSeen seen_;
};

}  // namespace

SweepCurve sweep(const Run& run, const Sweep& plan, StopSignal& stop, Observer* progress) {
  if (plan.evaluate_every > 0 && !run.validation)
    throw DataError(
        "the range test looks at held-out samples, and there are none: set data.validation");
  refuse_proxy(run, "a range test");
  SweepCurve curve;
  curve.metrics = run.task->metrics();
  curve.held_out = held_out_of(plan, run);
  curve.measure = measure_of(*run.task);
  curve.loss_may_be_negative = run.task->loss_may_be_negative();
  Recorder recorder(curve, plan.stop_factor);
  Trainer trainer(along(plan, run), stop);
  trainer.observe(recorder);
  if (progress != nullptr) trainer.observe(*progress);
  const RunEnd end = KeptState(run).undo([&] { return trainer.fit(); });
  if (end.reason == StopReason::out_of_memory) throw Error(end.message);
  curve.interrupted = end.reason == StopReason::interrupted;
  if (end.reason != StopReason::finished) curve.stopped = end.message;
  return curve;
}

}  // namespace onecycle
