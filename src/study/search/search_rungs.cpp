#include "onecycle/search.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

Recipe compressed(Recipe recipe, double share) {
  if (share >= 1) return recipe;
  recipe.train.duration = recipe.train.duration.times(share);
  for (ExtensionOptions& extension : recipe.train.extensions)
    extension.from = extension.from.times(share);
  change(recipe.schedule, {{Change::scale_lengths, share}}, "schedule");
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
