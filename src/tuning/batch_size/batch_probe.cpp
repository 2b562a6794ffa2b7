#include "tuning/batch_size/batch_probe.h"

#include "core/text/format.h"
#include "nn/layers/sync_batch_norm.h"
#include "train/step/step_graph.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

constexpr std::int64_t kTrialSteps = kStepsBeforeEvaluation + 1;
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

// A few steps, with all else that takes memory in a whole run.
Run shortened(const Run& run) {
  Run result = run;
  result.validation = first_of(run.validation, kEvaluated);
  result.test = first_of(run.test, kEvaluated);
  result.steps.steps_per_epoch = std::min(kStepsBeforeEvaluation, run.steps.steps_per_epoch);
  result.steps.total_steps = kTrialSteps;
  result.options.retries = 0;
  result.options.log_every = 1;
  result.options.evaluate_every = result.options.test_every = result.options.checkpoint_every =
      kStepsBeforeEvaluation;
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

std::string obstacle(const RunEnd& end) {
  if (end.reason == StopReason::finished) return "";
  return end.reason == StopReason::out_of_memory ? "out of memory" : end.message;
}

ProbedSteps take_first_steps(const Run& run, StopSignal& stop, Observer* watch) {
  Rates rates;
  NullStore nowhere;
  Trainer trainer(shortened(run), stop);
  trainer.observe(rates);
  if (watch != nullptr) trainer.observe(*watch);
  trainer.keep_checkpoints_in(nowhere);
  const RunEnd end = trainer.fit();
  return {end, end.reason == StopReason::finished ? rates.of_step(1) : 0};
}

ProbedSteps time_steps(const Run& run, double samples_per_second, StopSignal& stop) {
  Rates rates;
  Trainer trainer(repeated(run, static_cast<double>(run.steps.total_batch) / samples_per_second),
                  stop);
  trainer.observe(rates);
  const RunEnd end = trainer.fit();
  return {end, end.reason == StopReason::finished ? rates.median_after(warm_ups(run)) : 0};
}

void agree(Group& group, BatchProbe& probe) {
  if (group.size() == 1) return;
  const auto all = group.all_gather(
      {probe.fits ? 1.0 : 0.0, probe.samples_per_second, static_cast<double>(probe.peak_bytes)});
  const auto reasons = group.all_gather_bytes(probe.why);
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    if (probe.fits && all[rank][0] == 0) probe.why = format("rank {}: {}", rank, reasons[rank]);
    probe.fits = probe.fits && all[rank][0] != 0;
    probe.samples_per_second = std::min(probe.samples_per_second, all[rank][1]);
    probe.peak_bytes = std::max(probe.peak_bytes, static_cast<std::int64_t>(all[rank][2]));
  }
  probe.samples_per_second *= static_cast<double>(group.size());
}

BatchProbe probe_batch(const Run& run) {
  StopSignal never;
  BatchProbe probe;
  probe.batch = run.steps.micro_batch;
  ProbedSteps first;
  try {
    first = take_first_steps(run, never);
  } catch (const OneValueError& error) {
    probe.why = error.what();
    return probe;
  }
  probe.why = obstacle(first.end);
  if (!probe.why.empty()) return probe;
  const ProbedSteps timed = time_steps(run, first.samples_per_second, never);
  probe.why = obstacle(timed.end);
  if (!probe.why.empty()) return probe;
  probe.fits = true;
  probe.samples_per_second = timed.samples_per_second;
  return probe;
}

}  // namespace onecycle
