#pragma once

#include "onecycle/batch_recipes.h"
#include "onecycle/build.h"

#include "cli/command.h"
#include "core/text/json.h"
#include "core/text/metric_text.h"
#include "tuning/batch_size/batch_limit.h"

#include <optional>
#include <string>
#include <vector>

namespace onecycle {

struct FitBatchOptions {
  std::optional<std::int64_t> memory;  // bytes
  double margin = kMemoryMargin;
  std::optional<std::int64_t> most;
  LrRule rule = LrRule::none;
  std::vector<std::int64_t> compare;
  std::string write;
  double probe_seconds = 120;  // longest a probe may take
};

// Throws UsageError.
FitBatchOptions fit_batch_options(const CommandLine& line);

// What `onecycle fit-batch` was asked, and what it knows so far.
struct FitBatchTask {
  const CommandLine& line;
  const FitBatchOptions options;
  const Environment& environment;
  const Recipe recipe;
  const StopSignal& stop;
  std::int64_t limit_bytes = 0;  // of a probe, margin deducted
  std::int64_t num_train = 0;    // samples of the training part; 0: not known yet
  // The task's first, as the last trial said: nothing where it has none.
  std::optional<Metric> metric = accuracy_metric();
  std::vector<BatchProbe> probes = {};

  // Processes that share a step's samples: what fits must fit on each.
  Group& group() const { return *environment.group; }
  // Forward passes of a step, over all of them.
  std::int64_t parts() const { return group().size() * recipe.train.accumulate; }
  // Every size is a multiple of it.
  std::int64_t unit() const { return pass_unit(recipe); }
  // Of its memory, what this process may take: those of one machine share the host's.
  std::int64_t own_memory() const;
  // For run_child, with what every child is told.
  Json request(const Recipe& of) const;
};

// Probes one size in a child, says and records what came of it. Returns whether it fits.
bool probe_size(FitBatchTask& task, std::int64_t batch);

// Probes sizes and chooses. Throws Error where not even the smallest fits.
BatchChoice search_batch(FitBatchTask& task);
std::string why_chosen(const BatchChoice& choice);  // half a sentence

// Finds the sizes and says them. Returns the exit code.
int fit_batch(FitBatchTask& task);
// What is known when the search is interrupted.
void say_partial(const FitBatchTask& task);

// Trains with each size of `--compare` and says what they reached. Returns the exit code.
int compare_batches(FitBatchTask& task);

// Throws RecipeError for a recipe whose batches a proxy chooses: they cannot be fitted.
void refuse_fitted_proxy(const Recipe& recipe);
// The recipe with the default size in place of `auto`, which none with a proxy can have.
Recipe with_any_batch(Recipe recipe);

}  // namespace onecycle
