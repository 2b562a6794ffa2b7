#include "tuning/trial.h"

#include "onecycle/error.h"

#include "tuning/relay.h"

#include <cmath>

namespace onecycle {

TrialScore run_trial(Run run, StopSignal& stop, Observer* progress) {
  if (run.data.validation.size() == 0)
    throw DataError(
        "choices are made on held-out samples, and there are none: set data.validation");
  run.data.test = {};
  run.recipe.train.evaluate_every = {static_cast<double>(run.steps.total_steps),
                                     Duration::Unit::steps};
  run.recipe.train.test_every.reset();
  run.recipe.stop.on_divergence.retries = 0;
  Trainer trainer(run);
  SignalRelay relay(stop, trainer.stop());
  trainer.observe(relay);
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
  result.accuracy = end.validation->accuracy;
  return result;
}

}  // namespace onecycle
