#include "tuning/trial.h"

#include "onecycle/error.h"

#include "train/run_plan.h"

#include <cmath>

namespace onecycle {

TrialScore run_trial(Run run, StopSignal& stop, Observer* progress) {
  if (!run.validation)
    throw DataError(
        "choices are made on held-out samples, and there are none: set data.validation");
  refuse_proxy(run, "a trial");
  run.test = nullptr;
  run.options.evaluate_every = run.options.test_every = run.steps.total_steps;
  run.options.retries = 0;
  Trainer trainer(run, stop);
  if (progress != nullptr) trainer.observe(*progress);
  const RunEnd end = trainer.fit();
  TrialScore result;
  result.epochs = static_cast<double>(end.steps) / static_cast<double>(run.steps.steps_per_epoch);
  result.seconds = end.seconds;
  result.interrupted = end.reason == StopReason::interrupted;
  if (end.reason == StopReason::out_of_memory) throw Error(end.message);
  result.diverged =
      end.reason == StopReason::diverged || !end.validation || !std::isfinite(end.validation->loss);
  if (result.diverged) return result;
  result.loss = end.validation->loss;
  result.metric = end.validation->metric();
  return result;
}

}  // namespace onecycle
