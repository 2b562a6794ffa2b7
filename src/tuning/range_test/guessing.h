#pragma once

#include "onecycle/trainer.h"

#include "tuning/range_test/pooled.h"

#include <cstdint>
#include <string>
#include <vector>

namespace onecycle {

// On the first `held_out` samples of the run's validation part, read on the host; the same on all
// ranks. The losses are of the outputs whose mean loss is least, which are looked for by L-BFGS.
Guessing guessing_on(const Run& run, std::int64_t held_out);

// What the largest of `count` standard normal numbers, however they depend on one another, exceeds
// in at most 1 of 100 cases (Bonferroni): the quantile of 1 - .01 / count. `count` at least 1.
double largest_by_chance(std::int64_t count);

// The highest accuracy among `looks` that chance explains, where guessing has `chance`.
double accuracy_by_chance(double chance, std::int64_t samples, std::int64_t looks);
// Whether the mean of `losses`, the best of `looks`, is less than that of `constant`, of the same
// samples, by more than chance explains. Throws Error where they differ in size.
bool less_than_by_chance(const std::vector<double>& losses, const std::vector<double>& constant,
                         std::int64_t looks);

// Why the sweeps, which are the best of all that were looked at in `looks` places, are no better
// than guessing; empty where their accuracy or their losses are, or where neither is known.
std::string no_better_than_guessing(const PooledSweeps& sweeps, const Guessing& guessing,
                                    std::int64_t looks);

}  // namespace onecycle
