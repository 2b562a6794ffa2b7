#include "onecycle/error.h"
#include "onecycle/range_test.h"

#include "core/format.h"
#include "model/mode_scope.h"
#include "schedule/survey.h"
#include "train/snapshot.h"
#include "tuning/relay.h"
#include "tuning/smoothing.h"

#include <algorithm>
#include <cmath>

#include <ATen/CPUGeneratorImpl.h>

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

// Lends the run to a sweep and takes it back as it was.
class Borrowed {
 public:
  Borrowed(Run& run, const Sweep& plan)
      : run_(run),
        recipe_(run.recipe),
        steps_(run.steps),
        validation_(run.data.validation),
        test_(run.data.test),
        freezing_(run.freezing),
        modes_(*run.model),
        random_(at::detail::getDefaultCPUGenerator().get_state()) {
    RunState state;
    state.steps = run.optimizer->updates();
    before_ = capture(run, nullptr, state);
    schedule_ = std::make_unique<SweepSchedule>(plan, run.schedule->at(0, steps_.total_steps),
                                                peak_of(run));
    schedule_.swap(run.schedule);
    for (const Parameter& parameter : run.parameters->all())
      trained_.push_back(parameter.working.requires_grad());
    run.freezing = run.freezing.held(plan.phase);
    run.steps.total_steps = plan.steps;
    run.data.test = {};
    const std::int64_t held_out =
        plan.evaluate_every == 0 ? 0 : std::min(plan.held_out, validation_.size());
    run.data.validation = {};
    if (held_out > 0) run.data.validation = validation_.part(0, held_out);
    const std::int64_t never = plan.steps + 1;
    const auto every = [](std::int64_t steps) {
      return Duration{static_cast<double>(steps), Duration::Unit::steps};
    };
    run.recipe.train.log_every = 1;
    run.recipe.train.evaluate_every = every(held_out > 0 ? plan.evaluate_every : never);
    run.recipe.train.test_every = every(never);
    run.recipe.train.ema_decay.reset();
    run.recipe.train.lookahead.every.reset();
    run.recipe.train.tta = TestTimeAugmentation::none;
    run.recipe.stop.on_divergence.retries = 0;
  }
  ~Borrowed() {
    run_.recipe = recipe_;
    run_.steps = steps_;
    run_.data.validation = validation_;
    run_.data.test = test_;
    run_.schedule.swap(schedule_);
    restore(run_, nullptr, before_, "the run before the range test");
    run_.freezing = freezing_;
    for (std::size_t i = 0; i < trained_.size(); ++i) {
      at::Tensor& working = run_.parameters->all()[i].working;
      working.mutable_grad().reset();
      working.set_requires_grad(trained_[i]);
    }
    at::Generator generator = at::detail::getDefaultCPUGenerator();
    generator.set_state(random_);
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;

 private:
  Run& run_;
  Recipe recipe_;
  StepPlan steps_;
  ImageSet validation_;
  ImageSet test_;
  Freezing freezing_;
  ModeScope modes_;
  std::vector<bool> trained_;  // by parameter, whether it takes gradients
  at::Tensor random_;
  Snapshot before_;
  std::unique_ptr<Schedule> schedule_;
};

class Recorder : public Observer {
 public:
  Recorder(SweepCurve& curve, double stop_factor) : curve_(curve), stop_factor_(stop_factor) {}

  void on_log_point(const LogPoint& point, StopSignal& stop) override {
    curve_.points.push_back(
        {point.step, point.hyper.lr, point.hyper.momentum, point.train.loss, {}, {}});
    const double loss = average_.add(point.train.loss);
    best_ = point.step == 0 ? loss : std::min(best_, loss);
    if (loss > stop_factor_ * best_)
      stop.request(StopReason::diverged,
                   format("the smoothed training loss exceeded {:.3g} times its best at a learning "
                          "rate of {:.3g}",
                          stop_factor_, point.hyper.lr));
  }
  void on_evaluated(const Evaluated& event, StopSignal&) override {
    if (!event.validation || curve_.points.empty()) return;
    curve_.points.back().held_out_loss = event.validation->loss;
    curve_.points.back().held_out_accuracy = event.validation->accuracy;
  }

 private:
  SweepCurve& curve_;
  double stop_factor_;
  CausalAverage average_;
  double best_ = 0;
};

}  // namespace

SweepCurve sweep(Run& run, const Sweep& plan, StopSignal& stop, Observer* progress) {
  if (plan.evaluate_every > 0 && run.data.validation.size() == 0)
    throw DataError(
        "the range test looks at held-out samples, and there are none: set data.validation");
  SweepCurve curve;
  curve.held_out =
      plan.evaluate_every == 0 ? 0 : std::min(plan.held_out, run.data.validation.size());
  const Borrowed borrowed(run, plan);
  Recorder recorder(curve, plan.stop_factor);
  Trainer trainer(run);
  trainer.observe(recorder);
  if (progress != nullptr) trainer.observe(*progress);
  SignalRelay relay(stop, trainer.stop());
  trainer.observe(relay);
  const RunEnd end = trainer.fit();
  if (end.reason == StopReason::out_of_memory) throw Error(end.message);
  curve.interrupted = end.reason == StopReason::interrupted;
  if (end.reason != StopReason::finished) curve.stopped = end.message;
  return curve;
}

}  // namespace onecycle
