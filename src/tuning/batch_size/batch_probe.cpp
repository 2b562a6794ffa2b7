#include "onecycle/batch_fit.h"

#include "train/step/step_graph.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

constexpr std::int64_t kTrialSteps = 3;
constexpr double kTimedSeconds = 0.7;
constexpr double kFewestTimed = 3, kMostTimed = 59;  // steps after the warm-up

// Larger than evaluation batches, so that there is a whole one and a padded one.
constexpr std::int64_t kEvaluated = 513;

// Steps that are not like those to come: the first, and on a GPU those before the step is a graph.
std::int64_t warm_ups(const Run& run) {
  return run.compute.device.is_cuda() ? StepGraph::kWarmUps + 1 : 1;
}

class Rates : public Observer {
 public:
  void on_log_point(const LogPoint& point, StopSignal&) override {
    rates_.push_back(point.samples_per_second);
  }
  double of_step(std::size_t step) const { return rates_.at(step); }
  double median_after(std::int64_t steps) const {
    std::vector<double> timed(rates_.begin() + steps, rates_.end());
    const auto middle = timed.begin() + static_cast<std::ptrdiff_t>(timed.size() / 2);
    std::nth_element(timed.begin(), middle, timed.end());
    return *middle;
  }

 private:
  std::vector<double> rates_;
};

// A checkpoint's copy is made, and let go of.
class NullStore : public CheckpointStore {
 public:
  std::string save(const Snapshot&, std::int64_t, bool) override { return ""; }
  std::optional<Snapshot> load_latest(std::vector<std::string>&) override { return std::nullopt; }
};

RunEnd fit(const Run& run, Rates& rates, CheckpointStore* store) {
  Trainer trainer(run);
  trainer.observe(rates);
  if (store != nullptr) trainer.keep_checkpoints_in(*store);
  return trainer.fit();
}

// Why a run that ended so does not fit; "" where it does.
std::string obstacle(const RunEnd& end) {
  if (end.reason == StopReason::finished) return "";
  return end.reason == StopReason::out_of_memory ? "out of memory" : end.message;
}

// A few steps, with all else that takes memory in a whole run.
Run shortened(const Run& run) {
  Run result = run;
  result.validation = first_of(run.validation, kEvaluated);
  result.test = first_of(run.test, kEvaluated);
  result.steps.steps_per_epoch = std::min<std::int64_t>(2, run.steps.steps_per_epoch);
  result.steps.total_steps = kTrialSteps;
  result.options.retries = 0;
  result.options.log_every = 1;
  result.options.evaluate_every = result.options.test_every = result.options.checkpoint_every = 2;
  return result;
}

// Nothing but steps, for as long as a rate needs whose first one took `seconds`.
Run repeated(const Run& run, double seconds) {
  Run result = run;
  result.validation = result.test = nullptr;
  result.options.retries = 0;
  result.options.log_every = 1;
  result.steps.total_steps =
      warm_ups(run) + static_cast<std::int64_t>(std::clamp(std::ceil(kTimedSeconds / seconds) - 1,
                                                           kFewestTimed, kMostTimed));
  return result;
}

}  // namespace

BatchProbe probe_batch(const Run& run) {
  BatchProbe probe;
  probe.batch = run.steps.micro_batch;
  Rates first;
  NullStore nowhere;
  probe.why = obstacle(fit(shortened(run), first, &nowhere));
  if (!probe.why.empty()) return probe;
  Rates timed;
  const double seconds = static_cast<double>(run.steps.total_batch) / first.of_step(1);
  probe.why = obstacle(fit(repeated(run, seconds), timed, nullptr));
  if (!probe.why.empty()) return probe;
  probe.fits = true;
  probe.samples_per_second = timed.median_after(warm_ups(run));
  return probe;
}

}  // namespace onecycle
