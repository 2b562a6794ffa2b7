#include "recipe/used_values.h"

#include "core/text/number.h"
#include "recipe/recipe_text.h"
#include "schedule/used_numbers.h"

#include <ATen/Parallel.h>

namespace onecycle {

namespace {

UsedValues common_values(const Recipe& recipe, const Schedule& schedule, const StepPlan& steps) {
  UsedValues used;
  for (const auto& [key, text] : used_numbers(schedule, steps.total_steps))
    used["schedule." + key] = text;
  used["train.test_every"] = recipe.train.evaluate_every.text();
  used["train.threads"] = std::to_string(at::get_num_threads());
  return used;
}

// Nothing where only the files would tell.
std::optional<std::int64_t> planned_validation(Recipe recipe, const Environment& environment) {
  recipe.data.limit.reset();
  const auto rest = planned_samples(recipe, environment);
  recipe.data.validation = 0;
  const auto all = planned_samples(recipe, environment);
  return rest && all ? std::optional(*all - *rest) : std::nullopt;
}

// The option at the path of the tree, or nullptr.
const Value* option_at(const Value& tree, const std::string& path) {
  const std::size_t dot = path.find('.');
  const Value* found = tree.find(path.substr(0, dot));
  return found == nullptr || dot == std::string::npos ? found
                                                      : option_at(*found, path.substr(dot + 1));
}

}  // namespace

UsedValues used_values(const RecipeRun& run) {
  UsedValues used = common_values(run.recipe, *run.schedule, run.steps);
  used["data.validation"] = std::to_string(run.data.validation.size());
  used["data.total_batch_size"] = std::to_string(run.steps.total_batch);
  return used;
}

UsedValues used_values(const Recipe& recipe, const RunPlan& plan, const Environment& environment) {
  UsedValues used = common_values(recipe, *plan.schedule, plan.steps);
  if (const auto held_out = planned_validation(recipe, environment)) {
    used["data.validation"] = std::to_string(*held_out);
  } else {
    used.erase("schedule.stepsize");  // its length follows from the samples
  }
  if (!recipe.data.batch_size.automatic)
    used["data.total_batch_size"] = std::to_string(plan.steps.total_batch);
  return used;
}

UsedValues left_open(const UsedValues& used, const Recipe& recipe, const RecipeVariants& variants) {
  const Value tree = recipe_tree(recipe, variants);
  UsedValues open;
  for (const auto& [path, text] : used)
    if (const Value* option = option_at(tree, path); option != nullptr && option->is_null())
      open.emplace(path, text);
  return open;
}

}  // namespace onecycle
