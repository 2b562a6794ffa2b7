#include "cli/batch_notes.h"

#include "onecycle/batch_fit.h"

#include "cli/command.h"
#include "core/text/format.h"
#include "train/total_batch.h"

#include <algorithm>

namespace onecycle {

std::string pass_text(const StepPlan& steps) {
  const bool even = steps.micro_batch * steps.ranks * steps.micro_batches() == steps.total_batch;
  return (even ? "" : "at most ") + grouped(steps.micro_batch);
}

std::string norms_note(const RecipeRun& run) {
  const StepPlan& steps = run.steps;
  const std::int64_t passes = steps.micro_batches();
  if (steps.ranks == 1 && passes == 1 && !steps.total_given) return "";
  if (!norms_follow_passes(run)) return "";
  if (!run.recipe.train.sync_bn)
    return format(
        "batch norms see {} samples at once, those of one forward pass: that changes with "
        "data.batch_size and ranks{}",
        pass_text(steps),
        steps.ranks == 1 ? "" : "; with train.sync_bn they see those of all ranks");
  return format("batch norms see {} samples at once, of all ranks' forward passes: {}",
                grouped(std::min(steps.total_batch, steps.micro_batch * steps.ranks)),
                passes == 1 ? "the total batch, with any number of ranks while nothing is "
                              "accumulated"
                            : "that changes with the accumulated passes");
}

std::string rate_note(const RecipeRun& run) {
  const auto found_at = run.recipe.train.lr_found_at;
  const std::int64_t total = run.steps.total_batch;
  if (!found_at || *found_at == total) return "";
  return format(
      "the learning rate was found at a total batch of {}, and this run's is {}: run range-test "
      "again, or multiply the rate by {:.3g} (linear rule) or {:.3g} (sqrt rule), as fit-batch "
      "--lr-rule does",
      grouped(*found_at), grouped(total), lr_factor(LrRule::linear, *found_at, total),
      lr_factor(LrRule::sqrt, *found_at, total));
}

}  // namespace onecycle
