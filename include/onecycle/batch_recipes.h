#pragma once

#include "onecycle/batch_fit.h"
#include "onecycle/recipe.h"

#include <cstdint>
#include <optional>

// Recipes with another batch size.
namespace onecycle {

// Samples a step, of all ranks together. Throws FieldError where the training part has fewer than a
// batch.
std::int64_t total_batch(const Recipe& recipe, std::int64_t num_train, std::int64_t ranks);
// The recipe with another batch; the rule scales every learning rate that schedule and optimizer
// name. Throws RecipeError where a rule is asked for and they name none.
Recipe with_batch(const Recipe& recipe, std::int64_t batch, LrRule rule, std::int64_t num_train);

// The recipe that probe_batch is given, built: its length and schedule do not matter there.
Recipe probe_recipe(const Recipe& recipe, std::int64_t batch);

// The recipe of a comparison: that of with_batch over as many samples as `recipe` trains on, or
// over `steps` steps, with one evaluation, at the end.
Recipe trial_recipe(const Recipe& recipe, std::int64_t batch, LrRule rule, std::int64_t num_train,
                    std::optional<std::int64_t> steps);

}  // namespace onecycle
