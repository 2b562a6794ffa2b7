#pragma once

#include "onecycle/trainer.h"

namespace onecycle {

// What a run for choosing came to, on the validation part alone.
struct TrialScore {
  double loss = 0;
  double metric = 0;  // the task's first; NaN: it has none
  double epochs = 0;
  double seconds = 0;
  bool diverged = false;
  bool interrupted = false;
};

// Trains the run to its end, evaluates the validation part then, never the test split, and keeps
// nothing. Throws DataError where there is no validation part.
TrialScore run_trial(Run run, StopSignal& stop, Observer* progress);

}  // namespace onecycle
