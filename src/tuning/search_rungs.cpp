#include "onecycle/search.h"

#include "core/number.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

// The factor a step of cyclical's exp_range where the recipe names none.
constexpr double kExpRangeGamma = 0.99994;

void compress(Duration& duration, double share) {
  duration.count *= share;
  if (duration.unit == Duration::Unit::steps && duration.count > 0)
    duration.count = std::max(1.0, std::round(duration.count));
}

// Every length in the schedule's options: its stepsize, its milestones, its warm-up.
void compress(Value& value, double share) {
  if (value.is_scalar() && !value.quoted) {
    if (auto duration = Duration::parse(value.text)) {
      compress(*duration, share);
      value.text = duration->text();
    }
  }
  for (Value& item : value.items) compress(item, share);
  for (Value::Member& member : value.members) compress(member.value, share);
}

// A factor a step reaches the same end in fewer steps as a power of itself.
void compress_factor(Choice& schedule, double share) {
  const Value* mode = schedule.options.find("mode");
  if (schedule.name != "cyclical" || mode == nullptr || mode->text != "exp_range") return;
  const Value* gamma = schedule.options.find("gamma");
  const double factor = gamma != nullptr && gamma->is_scalar()
                            ? parse_number(gamma->text).value_or(1)
                            : kExpRangeGamma;
  schedule.options.set("gamma", Value::scalar(number_text(std::pow(factor, 1 / share))));
}

}  // namespace

Recipe compressed(Recipe recipe, double share) {
  if (share >= 1) return recipe;
  compress(recipe.train.duration, share);
  for (ExtensionOptions& extension : recipe.train.extensions) compress(extension.from, share);
  compress(recipe.schedule.options, share);
  compress_factor(recipe.schedule, share);
  return recipe;
}

std::vector<Rung> rungs_of(const SearchOptions& options, std::int64_t settings) {
  if (options.method != SearchMethod::halving) return {{settings, 1}};
  const auto reduction = static_cast<double>(options.reduction);
  int longest = 0;
  while (std::pow(reduction, -(longest + 1)) >= options.min_share) ++longest;
  std::vector<Rung> rungs;
  std::int64_t trials = settings;
  for (int rung = 0; rung <= longest; ++rung) {
    rungs.push_back({std::max<std::int64_t>(1, trials), std::pow(reduction, rung - longest)});
    trials /= options.reduction;
  }
  return rungs;
}

const char* name_of(TrialState state) {
  switch (state) {
    case TrialState::waiting:
      return "waiting";
    case TrialState::running:
      return "running";
    case TrialState::done:
      return "done";
    case TrialState::failed:
      return "failed";
    case TrialState::diverged:
      return "diverged";
    case TrialState::interrupted:
      return "interrupted";
  }
  return "";
}

}  // namespace onecycle
