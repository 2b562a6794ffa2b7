#include "onecycle/batch_fit.h"

#include "core/text/format.h"
#include "train/run_plan.h"
#include "train/total_batch.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

namespace onecycle {

double lr_factor(LrRule rule, std::int64_t before, std::int64_t after) {
  const double ratio = static_cast<double>(after) / static_cast<double>(before);
  switch (rule) {
    case LrRule::linear:
      return ratio;
    case LrRule::sqrt:
      return std::sqrt(ratio);
    case LrRule::none:
      break;
  }
  return 1;
}

std::string lr_rule_text(LrRule rule, std::int64_t before, std::int64_t after) {
  if (before == after) return format("the total batch stays {}, and the learning rate too", after);
  const std::string change = format("the total batch goes from {} to {}", before, after);
  if (rule == LrRule::none)
    return change + ": the learning rate is left alone; run the range test again";
  const char* formula = rule == LrRule::linear
                            ? "linear rule multiplies the learning rate by"
                            : "sqrt rule multiplies the learning rate by the root of";
  return format("{}: the {} {}/{} = {:.4g}", change, formula, after, before,
                lr_factor(rule, before, after));
}

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

std::optional<double> metric_of(const std::optional<Score>& score) {
  return score ? std::optional<double>(score->metric()) : std::nullopt;
}

std::optional<double> measure(const Run& run, const std::shared_ptr<Source>& samples) {
  if (!samples) return std::nullopt;
  return evaluate(run, *samples, /*full_precision=*/true).metric();
}

}  // namespace

BatchTrial train_trial(const Run& run, std::optional<double> seconds,
                       const std::vector<Observer*>& observers) {
  refuse_proxy(run, "a comparison of batch sizes");
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
  trial.validation = evaluated ? metric_of(end.validation) : measure(run, run.validation);
  trial.test = evaluated ? metric_of(end.test) : measure(run, run.test);
  return trial;
}

namespace {

constexpr std::int64_t kFewestApart = 8;
constexpr double kNearBest = 0.95;

// What sizes are told apart by: the fewest units that are kFewestApart or more.
std::int64_t grain_of(std::int64_t unit) {
  return unit >= kFewestApart ? unit : (kFewestApart + unit - 1) / unit * unit;
}

// At most `batch`; below one grain in units.
std::int64_t whole_grains(std::int64_t batch, std::int64_t unit) {
  const std::int64_t grain = grain_of(unit);
  const std::int64_t step = batch < grain ? unit : grain;
  return batch / step * step;
}

}  // namespace

std::int64_t find_largest_batch(std::int64_t most, const std::function<bool(std::int64_t)>& fits,
                                std::int64_t unit) {
  most = most / unit * unit;
  if (most < 1) return 0;
  const std::int64_t grain = grain_of(unit);
  const std::int64_t first = std::min(grain, most);
  std::int64_t low = first;
  while (!fits(low)) {
    if (low == unit) return 0;
    low = low / 2 / unit * unit;
  }
  if (low < first) return low;
  std::int64_t high = most + 1;
  while (low < most && high > most) {
    const std::int64_t next = std::min(2 * low, most);
    if (fits(next)) {
      low = next;
    } else {
      high = next;
    }
  }
  while (low < most && high - low > std::max(grain, low / 20)) {
    const std::int64_t middle = std::max(low + grain, whole_grains(low + (high - low) / 2, unit));
    if (fits(middle)) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

namespace {

// What the probes say whatever the steps: the largest, the fastest and its rate.
BatchChoice read_probes(const std::vector<BatchProbe>& probes) {
  BatchChoice choice;
  for (const BatchProbe& probe : probes) {
    if (!probe.fits) continue;
    choice.largest = std::max(choice.largest, probe.batch);
    choice.best_rate = std::max(choice.best_rate, probe.samples_per_second);
  }
  if (choice.largest == 0) return choice;
  choice.fastest = choice.largest;
  for (const BatchProbe& probe : probes)
    if (probe.fits && probe.samples_per_second >= kNearBest * choice.best_rate)
      choice.fastest = std::min(choice.fastest, probe.batch);
  return choice;
}

bool was_tried(const std::vector<BatchProbe>& probes, std::int64_t batch) {
  return std::any_of(probes.begin(), probes.end(),
                     [&](const BatchProbe& probe) { return probe.batch == batch; });
}

bool was_refused(const std::vector<BatchProbe>& probes, std::int64_t batch) {
  return std::any_of(probes.begin(), probes.end(),
                     [&](const BatchProbe& probe) { return probe.batch == batch && !probe.fits; });
}

// The smallest and the largest that fit, up to `most`; {most, 0}: none does.
std::pair<std::int64_t, std::int64_t> fitting_within(const std::vector<BatchProbe>& probes,
                                                     std::int64_t most) {
  std::pair<std::int64_t, std::int64_t> found = {most, 0};
  for (const BatchProbe& probe : probes) {
    if (!probe.fits || probe.batch > most) continue;
    found.first = std::min(found.first, probe.batch);
    found.second = std::max(found.second, probe.batch);
  }
  return found;
}

}  // namespace

BatchChoice choose_share(const std::vector<BatchProbe>& probes, std::int64_t num_train,
                         std::int64_t total, std::int64_t ranks, std::int64_t unit) {
  BatchChoice choice = read_probes(probes);
  if (choice.largest == 0) return choice;
  auto shares = share_batch(total, choice.largest, ranks, unit);
  while (shares && was_refused(probes, shares->per_rank))
    shares = share_batch(total, shares->per_rank - 1, ranks, unit);
  choice.chosen = shares ? shares->per_rank : choice.largest;
  choice.chosen_steps = num_train / total;
  choice.bound = BatchBound::total;
  return choice;
}

BatchChoice choose_batch(const std::vector<BatchProbe>& probes, std::int64_t num_train,
                         std::int64_t accumulate, std::int64_t unit) {
  BatchChoice choice = read_probes(probes);
  if (choice.largest == 0) return choice;
  choice.chosen = choice.fastest;
  choice.bound = choice.fastest == choice.largest ? BatchBound::limit : BatchBound::throughput;
  const std::int64_t for_steps =
      std::max(fitting_within(probes, choice.largest).first,
               whole_grains(num_train / (kFewestSteps * accumulate), unit));
  if (choice.chosen > for_steps) {
    choice.chosen =
        was_refused(probes, for_steps) ? fitting_within(probes, for_steps).second : for_steps;
    choice.bound = BatchBound::steps_per_epoch;
  }
  choice.chosen_steps = num_train / (choice.chosen * accumulate);
  return choice;
}

BatchChoice choose_tried(const std::vector<BatchProbe>& probes,
                         const std::function<BatchChoice()>& choose,
                         const std::function<void(std::int64_t)>& try_size) {
  BatchChoice choice = choose();
  while (choice.largest > 0 && !was_tried(probes, choice.chosen)) {
    try_size(choice.chosen);
    choice = choose();
  }
  return choice;
}

}  // namespace onecycle
