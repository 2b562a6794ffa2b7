#pragma once

#include "onecycle/build.h"

#include <string>

namespace onecycle {

// Samples of one forward pass: "256", or "at most 256" where they are not all alike.
std::string pass_text(const StepPlan& steps);

// How many samples a batch norm sees where a step has several forward passes: that is no property
// of the total batch. Empty where there is nothing to say.
std::string norms_note(const RecipeRun& run);

// That the learning rate was found at another total batch. Empty where it was not.
std::string rate_note(const RecipeRun& run);

}  // namespace onecycle
