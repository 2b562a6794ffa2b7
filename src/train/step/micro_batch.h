#pragma once

#include "onecycle/trainer.h"

namespace onecycle {

// Samples of one forward pass so that a step over `run.steps.total_batch` keeps its activations
// within half of the memory that is free: the total batch where it fits, else the fewest equal
// parts that do; with model.bn_batch, where there are any, the fewest that are whole groups of it.
// Of a total batch that was given, what its ranks can share (require_shares, whose errors it
// throws).
std::int64_t fitting_micro_batch(const Run& run);

}  // namespace onecycle
