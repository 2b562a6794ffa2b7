#include "onecycle/batch_recipes.h"

#include "onecycle/schedules.h"

#include "core/text/duration_limits.h"
#include "core/text/format.h"
#include "recipe/recipe_error.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

std::int64_t duration_steps(const Recipe& recipe, std::int64_t num_train) {
  return recipe.train.duration.steps(num_train / total_batch(recipe, num_train, /*ranks=*/1));
}

// Whether the part names a learning rate that a factor changes.
bool names_a_rate(const Choice& part) {
  Choice doubled = part;
  change(doubled, {{Change::scale_lr, 2}});
  return doubled.text() != part.text();
}

}  // namespace

std::int64_t total_batch(const Recipe& recipe, std::int64_t num_train, std::int64_t ranks) {
  if (recipe.data.total_batch_size) return *recipe.data.total_batch_size;
  const BatchSize& batch = recipe.data.batch_size;
  return batch.all ? num_train : batch.of(num_train) * recipe.train.accumulate * ranks;
}

Recipe with_batch(const Recipe& recipe, std::int64_t batch, LrRule rule, std::int64_t num_train) {
  Recipe changed = recipe;
  changed.data.batch_size = {batch, false};
  if (rule == LrRule::none) return changed;
  // Their ratio is the same with any number of ranks.
  const std::int64_t before = total_batch(recipe, num_train, /*ranks=*/1);
  const std::int64_t after = total_batch(changed, num_train, /*ranks=*/1);
  const double factor = lr_factor(rule, before, after);
  if (auto& found_at = changed.train.lr_found_at)
    found_at = std::max<std::int64_t>(
        1, std::llround(static_cast<double>(*found_at) * static_cast<double>(after) /
                        static_cast<double>(before)));
  if (!names_a_rate(recipe.optimizer) && !names_a_rate(recipe.schedule))
    throw recipe_error(recipe, "schedule",
                       "names no learning rate that a rule could scale; set one");
  change(changed.optimizer, {{Change::scale_lr, factor}}, "optimizer");
  change(changed.schedule, {{Change::scale_lr, factor}}, "schedule");
  return changed;
}

Recipe probe_recipe(const Recipe& recipe, std::int64_t batch) {
  Recipe result = recipe;
  result.data.batch_size = {batch, false};
  result.data.total_batch_size.reset();
  result.train.duration = {1, Duration::Unit::steps};
  result.train.extensions.clear();
  // Whatever the schedule's lengths, it fits; no rate makes an untrained net diverge.
  change(result.optimizer, {{Change::release_lr, 0}}, "optimizer");
  result.schedule = choose(builtin_schedules().variants(), "constant");
  change(result.schedule, {{Change::set_lr, 1e-12}}, "schedule");
  return result;
}

Recipe trial_recipe(const Recipe& recipe, std::int64_t batch, LrRule rule, std::int64_t num_train,
                    std::optional<std::int64_t> steps) {
  Recipe trial = with_batch(recipe, batch, rule, num_train);
  trial.train.extensions.clear();
  Duration& duration = trial.train.duration;
  if (!steps && duration.unit == Duration::Unit::steps)
    steps = std::llround(std::min(static_cast<double>(duration_steps(recipe, num_train)) *
                                      static_cast<double>(total_batch(recipe, num_train, 1)) /
                                      static_cast<double>(total_batch(trial, num_train, 1)),
                                  static_cast<double>(kTooManySteps)));
  if (steps)
    duration = {static_cast<double>(std::max<std::int64_t>(1, *steps)), Duration::Unit::steps};
  trial.train.evaluate_every = duration;
  trial.train.test_every.reset();
  return trial;
}

}  // namespace onecycle
