#include "study/recipe_edit.h"

#include "core/text/format.h"
#include "core/text/shell_word.h"
#include "options/differences.h"
#include "recipe/recipe_error.h"
#include "recipe/recipe_text.h"
#include "train/step/decay.h"

namespace onecycle {

Recipe with_rate(const Recipe& recipe, double lr_max) {
  Recipe changed = recipe;
  change(changed.optimizer, {{Change::release_lr, 0}}, "optimizer");
  if (!takes(recipe.schedule, Change::set_lr))
    throw recipe_error(
        recipe, "schedule.name",
        "'" + recipe.schedule.name +
            "' has no highest learning rate to set; use one_cycle, or another that has one");
  change(changed.schedule, {{Change::set_lr, lr_max}}, "schedule");
  return changed;
}

Recipe with_weight_decay(const Recipe& recipe, double l2, std::int64_t samples,
                         const Environment& environment) {
  const DecayMode mode = plan_run(recipe, samples, environment).optimizer.rule.decay;
  Recipe changed = recipe;
  change(changed.schedule, {{Change::release_weight_decay, 0}}, "schedule");
  change(changed.optimizer, {{Change::set_weight_decay, l2}}, "optimizer");
  if (mode == DecayMode::l2) return changed;
  Recipe as_l2 = changed;
  change(as_l2.optimizer, {{Change::decay_as_l2, 0}}, "optimizer");
  const RunPlan plan = plan_run(as_l2, samples, environment);
  const DecaySummary summary =
      summarise_decay(*plan.schedule, plan.optimizer.rule, plan.steps.total_steps);
  change(changed.optimizer,
         {{Change::set_weight_decay,
           mode == DecayMode::independent ? summary.independent : summary.decoupled}},
         "optimizer");
  return changed;
}

Recipe with_momentum(const Recipe& recipe, double momentum) {
  Recipe changed = recipe;
  change(changed.schedule, {{Change::release_momentum, 0}}, "schedule");
  change(changed.optimizer, {{Change::set_momentum, momentum}}, "optimizer");
  return changed;
}

Recipe with_cycled_momentum(const Recipe& recipe, double highest, double lowest) {
  Recipe changed = recipe;
  change(changed.optimizer, {{Change::release_momentum, 0}}, "optimizer");
  change(changed.schedule,
         {{Change::set_momentum_max, highest}, {Change::set_momentum_min, lowest}}, "schedule");
  return changed;
}

Recipe with_duration(const Recipe& recipe, const Duration& duration) {
  Recipe changed = recipe;
  changed.train.duration = duration;
  return changed;
}

std::string settings_between(const Recipe& recipe, const Recipe& changed,
                             const RecipeVariants& variants) {
  std::string settings;
  for (const Difference& one :
       differing(recipe_tree(recipe, variants), recipe_tree(changed, variants)))
    settings +=
        format("{}--set {}", settings.empty() ? "" : " ", shell_word(one.path + "=" + one.after));
  return settings;
}

}  // namespace onecycle
