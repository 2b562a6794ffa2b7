#include "onecycle/batch_fit.h"

#include "train/step_graph.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

constexpr std::int64_t kTrialSteps = 3;
constexpr double kTimedSeconds = 0.7;
constexpr double kFewestTimed = 3, kMostTimed = 59;  // steps after the warm-up

// Larger than evaluation batches, so that there is a whole one and a padded one.
constexpr std::int64_t kEvaluated = 513;

Recipe probed(const Recipe& recipe, std::int64_t batch) {
  const Duration second{2, Duration::Unit::steps};
  Recipe result = recipe;
  result.data.batch_size = {batch, false};
  result.train.duration = {kTrialSteps, Duration::Unit::steps};
  result.train.evaluate_every = second;
  result.train.test_every.reset();
  result.train.log_every = 1;
  result.train.extensions.clear();
  result.stop = StopOptions{};
  result.output.checkpoint_every = second;
  // Whatever the schedule's lengths, it fits three steps; no rate makes an untrained net diverge.
  result.optimizer.options.set("lr", Value{});
  result.schedule = {"constant", Value::map()};
  result.schedule.options.set("lr", Value::scalar("1e-12"));
  return result;
}

// Steps that are not like those to come: the first, and on a GPU those before the step is a graph.
std::int64_t warm_ups(const Run& run) {
  return run.compute.device.is_cuda() ? StepGraph::kWarmUps + 1 : 1;
}

// A part of the set that keeps all of it in memory.
ImageSet head(const ImageSet& set) {
  if (set.size() <= kEvaluated) return set;
  return {set.images.narrow(0, 0, kEvaluated), set.labels.narrow(0, 0, kEvaluated)};
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
class Nowhere : public CheckpointStore {
 public:
  std::string save(const Snapshot&, std::int64_t, bool) override { return ""; }
  std::optional<Snapshot> load_latest(std::vector<std::string>&) override { return std::nullopt; }
};

RunEnd fit(Run& run, Rates& rates, CheckpointStore* store) {
  Trainer trainer(run);
  trainer.observe(rates);
  if (store != nullptr) trainer.keep_checkpoints_in(*store);
  return trainer.fit();
}

}  // namespace

BatchProbe probe_batch(const Recipe& recipe, std::int64_t batch, const Registries& registries,
                       const std::function<void(const Run&)>& built) {
  Run run = build(probed(recipe, batch), registries);
  const DataSet whole = run.data;
  const std::int64_t steps_per_epoch = run.steps.steps_per_epoch;
  built(run);
  BatchProbe probe;
  probe.batch = batch;

  run.data.validation = head(run.data.validation);
  run.data.test = head(run.data.test);
  run.steps.steps_per_epoch = std::min<std::int64_t>(2, steps_per_epoch);
  Rates first;
  Nowhere nowhere;
  const RunEnd end = fit(run, first, &nowhere);
  if (end.reason != StopReason::finished) {
    probe.why = end.reason == StopReason::out_of_memory ? "out of memory" : end.message;
    return probe;
  }

  run.data.validation = run.data.test = ImageSet{};
  run.steps.steps_per_epoch = steps_per_epoch;
  const double seconds = static_cast<double>(run.steps.total_batch) / first.of_step(1);
  run.steps.total_steps =
      warm_ups(run) + static_cast<std::int64_t>(std::clamp(std::ceil(kTimedSeconds / seconds) - 1,
                                                           kFewestTimed, kMostTimed));
  Rates timed;
  const RunEnd timed_end = fit(run, timed, nullptr);
  if (timed_end.reason != StopReason::finished) {
    probe.why = timed_end.reason == StopReason::out_of_memory ? "out of memory" : timed_end.message;
    return probe;
  }
  probe.fits = true;
  probe.samples_per_second = timed.median_after(warm_ups(run));
  return probe;
}

}  // namespace onecycle
