#include "tuning/recipe_edit.h"

#include "core/number.h"
#include "train/decay.h"

namespace onecycle {

namespace {

Value number(double value) { return Value::scalar(number_text(value)); }

bool has(const Choice& choice, const char* option) {
  return choice.options.find(option) != nullptr;
}

void clear(Choice& choice, const char* option) {
  if (has(choice, option)) choice.options.set(option, Value{});
}

bool is(const Choice& choice, const char* option, const char* text) {
  const Value* value = choice.options.find(option);
  return value != nullptr && value->is_scalar() && value->text == text;
}

}  // namespace

Recipe with_rate(const Recipe& recipe, double lr_max) {
  Recipe changed = recipe;
  Choice& schedule = changed.schedule;
  clear(changed.optimizer, "lr");
  for (const char* only : {"lr_max", "lr_to", "lr"}) {
    if (!has(schedule, only)) continue;
    schedule.options.set(only, number(lr_max));
    break;
  }
  const bool by_factor = is(schedule, "policy", "fastai") || is(schedule, "policy", "torch");
  if (by_factor || (schedule.name != "one_cycle" && schedule.name != "cyclical")) return changed;
  schedule.options.set("lr_min", number(lr_max / 10));
  clear(schedule, "div_factor");
  return changed;
}

Recipe with_weight_decay(const Recipe& recipe, double l2, std::int64_t samples,
                         const Registries& registries) {
  const DecayMode mode = plan_course(recipe, samples, registries).optimizer.rule.decay;
  Recipe changed = recipe;
  clear(changed.schedule, "weight_decay");
  changed.optimizer.options.set("weight_decay", number(l2));
  if (mode == DecayMode::l2) return changed;
  Recipe as_l2 = changed;
  as_l2.optimizer.options.set("weight_decay_mode", Value::scalar("l2"));
  const Course course = plan_course(as_l2, samples, registries);
  const DecaySummary summary =
      summarise_decay(*course.schedule, course.optimizer.rule, course.steps.total_steps);
  changed.optimizer.options.set(
      "weight_decay",
      number(mode == DecayMode::independent ? summary.independent : summary.decoupled));
  return changed;
}

Recipe with_momentum(const Recipe& recipe, double momentum) {
  Recipe changed = recipe;
  for (const char* cycled : {"momentum_max", "momentum_min", "momentum", "cycle_momentum"})
    clear(changed.schedule, cycled);
  changed.optimizer.options.set("momentum", number(momentum));
  return changed;
}

Recipe with_cycled_momentum(const Recipe& recipe, double highest, double lowest) {
  Recipe changed = recipe;
  clear(changed.optimizer, "momentum");
  clear(changed.schedule, "cycle_momentum");
  changed.schedule.options.set("momentum_max", number(highest));
  changed.schedule.options.set("momentum_min", number(lowest));
  return changed;
}

Recipe with_duration(const Recipe& recipe, const Duration& duration) {
  Recipe changed = recipe;
  changed.train.duration = duration;
  return changed;
}

}  // namespace onecycle
