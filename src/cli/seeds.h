#pragma once

#include "cli/train_run.h"

namespace onecycle {

// Trains the recipe with `count` seeds from its own on, one run each, and says the mean and the
// spread of what they reached. With --resume, runs of exactly these recipes are gone on with, and
// finished ones counted as they are.
int train_seeds(const Recipe& recipe, std::int64_t count, const Session& session);

}  // namespace onecycle
