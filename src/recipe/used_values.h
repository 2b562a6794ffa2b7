#pragma once

#include "onecycle/build.h"

#include <map>
#include <string>

namespace onecycle {

// What is used for options that a recipe leaves open (null) and something else decides: the
// option's path, and what a recipe would write for the same.
using UsedValues = std::map<std::string, std::string>;

// In this run.
UsedValues used_values(const RecipeRun& run);
// In a run of the recipe, as far as it can be told without reading data. `plan`: of as many samples
// as planned_samples() tells.
UsedValues used_values(const Recipe& recipe, const RunPlan& plan, const Environment& environment);

// Those that a resolved recipe has as null.
UsedValues left_open(const UsedValues& used, const Recipe& recipe, const RecipeVariants& variants);

}  // namespace onecycle
