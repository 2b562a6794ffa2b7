#pragma once

#include "onecycle/checkpoint.h"
#include "onecycle/trainer.h"

#include "train/state/averages.h"
#include "train/state/run_state.h"

namespace onecycle {

// In a snapshot's metadata: its tensors stand in the order of the module's.
constexpr const char* kOrder = "order";
constexpr const char* kModuleOrder = "module";

// A copy of the run as it is. Waits for the device.
Snapshot capture(const Run& run, const WeightAverage* average, const RunState& state,
                 const Lookahead* lookahead = nullptr);

// Puts the run back to where it was and returns the host's part. `source` names the snapshot in
// messages. Throws CheckpointError, before anything changes for weights that are another model's.
RunState restore(const Run& run, WeightAverage* average, const Snapshot& snapshot,
                 const std::string& source, Lookahead* lookahead = nullptr);

// Whether every weight is a number. Waits for the device.
bool weights_are_finite(const Parameters& parameters);

}  // namespace onecycle
