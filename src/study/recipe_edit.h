#pragma once

#include "onecycle/build.h"

#include <optional>
#include <string>

// Recipes with one hyper-parameter changed, whichever of schedule and optimizer names it. The
// result is a valid recipe where the given one is.
namespace onecycle {

// The highest learning rate; the lowest of a cycle becomes a tenth of it, but where the policy sets
// it.
Recipe with_rate(const Recipe& recipe, double lr_max);

// `l2`: in l2 units, converted to the recipe's mode for a run over `samples` training samples.
Recipe with_weight_decay(const Recipe& recipe, double l2, std::int64_t samples,
                         const Environment& environment);

// Constant.
Recipe with_momentum(const Recipe& recipe, double momentum);
// Opposite to the rate; for one_cycle and cyclical schedules.
Recipe with_cycled_momentum(const Recipe& recipe, double highest, double lowest);

Recipe with_duration(const Recipe& recipe, const Duration& duration);

// What goes with a command to make `changed` of `recipe`: "--set schedule.lr_max=0.1 ...".
std::string settings_between(const Recipe& recipe, const Recipe& changed,
                             const RecipeVariants& variants);

}  // namespace onecycle
