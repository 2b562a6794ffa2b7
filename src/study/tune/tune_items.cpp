#include "study/tune/tune_items.h"

#include "core/files/files.h"
#include "core/text/format.h"
#include "core/text/metric_text.h"
#include "recipe/recipe_text.h"
#include "train/state/shared_checkpoints.h"
#include "tuning/range_test/range_test_json.h"
#include "tuning/trial.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace onecycle {

ONECYCLE_JSON(TrainedItem, loss, accuracy, epochs, seconds)
ONECYCLE_JSON(RangeItem, lr_max, refused, reason, seed_numbers, folder, epochs, seconds)

namespace {

// What a cache's file holds may be of others' making.
bool is_trial(const TrainedItem& item) { return item.epochs >= 0 && item.seconds >= 0; }

// "loss 0.4321, accuracy 86.10 %"; the loss alone where the task has no metric.
std::string trial_text(const TrialScore& score, const std::vector<Metric>& metrics) {
  std::string text = format("loss {:.4f}", score.loss);
  if (!metrics.empty())
    text += format(", {} {}", metrics[0].name, metric_text(metrics[0], score.metric));
  return text;
}

bool is_range(const RangeItem& item) {
  return item.lr_max.value_or(1) > 0 && item.epochs >= 0 && item.seconds >= 0;
}

double steps_in(const RangeTest& test) {
  double steps = 0;
  for (const LabelledSweep& one : test.sweeps)
    steps += static_cast<double>(one.curve.points.size());
  return steps;
}

}  // namespace

TuneItems::TuneItems(const Tuning& tuning)
    : data_(tuning.data),
      environment_(tuning.environment),
      options_(tuning.options),
      folder_(tuning.folder),
      stop_(tuning.stop),
      progress_(tuning.progress),
      say_(tuning.say),
      begin_(tuning.begin),
      cache_(folder_ + "/tune.json",
             resolved_text(tuning.recipe, environment_.registries) +
                 format("seeds {}, share {}", options_.seeds, options_.short_share) +
                 environment_digest(tuning.recipe),
             environment_.group) {}

template <class Item>
Item TuneItems::spent(Item item) {
  epochs_ += item.epochs;
  seconds_ += item.seconds;
  ++done_;
  return item;
}

// Most of what is left are trials.
void TuneItems::tell_begin(const std::string& key) const {
  if (!begin_) return;
  TunePlace place{key, done_ + 1, std::max(planned_, done_ + 1), std::nullopt};
  if (trials_ > 0)
    place.seconds_left =
        trial_seconds_ / static_cast<double>(trials_) * static_cast<double>(place.at_most - done_);
  begin_(place);
}

TrainedItem TuneItems::trained(const std::string& key, const Recipe& recipe) {
  const TrainedItem item = spent(cache_.get(
      key, [&] { return train_now(key, recipe); }, is_trial));
  ++trials_;
  trial_seconds_ += item.seconds;
  return item;
}

TrainedItem TuneItems::train_now(const std::string& key, const Recipe& recipe) {
  tell_begin(key);
  RecipeRun run = build_on(data_, recipe, environment_);
  const std::vector<Metric> metrics = run.task->metrics();
  const TrialScore result = run_trial(std::move(run), stop_, progress_);
  if (result.interrupted) throw Interrupted();
  say_(format("{:<34} validation {}", key,
              result.diverged ? "diverged" : trial_text(result, metrics)));
  TrainedItem item = {std::nullopt, std::nullopt, result.epochs, result.seconds};
  if (!result.diverged) item.loss = result.loss;
  if (std::isfinite(result.metric)) item.accuracy = result.metric;
  return item;
}

RangeItem TuneItems::range(const std::string& key, const Recipe& recipe, std::int64_t seeds) {
  return spent(cache_.get(
      key, [&] { return range_now(key, recipe, seeds); }, is_range));
}

RangeItem TuneItems::range_now(const std::string& key, const Recipe& recipe, std::int64_t seeds) {
  tell_begin(key);
  const auto begun = std::chrono::steady_clock::now();
  RangeTestOptions options;
  options.seeds = seeds;
  const auto make_run = [&](std::int64_t offset) {
    Recipe seeded = recipe;
    seeded.seed += offset;
    return build_on(data_, seeded, environment_);
  };
  const RangeTest test = range_test(make_run, options, stop_, progress_);
  if (stop_.signal_number() != 0) throw Interrupted();
  const std::string folder = from_leader(*environment_.group, [&] {
    std::string made = create_numbered_folder(folder_ + "/range");
    write_file_atomically(
        made + "/range_test.json",
        {range_test_json(test, recipe.name, "", resolved_text(recipe, environment_.registries))});
    return made;
  });
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  say_(format("{:<34} {}", key,
              test.lr_max ? format("lr_max {:.3g}", *test.lr_max) : "refused: " + test.refused));
  return {test.lr_max,
          test.refused,
          test.suggestions.empty() ? "" : test.suggestions[0].reason,
          test.seed_numbers,
          folder,
          steps_in(test) / static_cast<double>(steps_of(recipe).steps_per_epoch),
          seconds};
}

StepPlan TuneItems::steps_of(const Recipe& recipe) const {
  return plan_run(recipe, data_.train.size(), environment_).steps;
}

double TuneItems::epochs(const Recipe& recipe, double share) const {
  const StepPlan steps = steps_of(recipe);
  return share * static_cast<double>(steps.total_steps) /
         static_cast<double>(steps.steps_per_epoch);
}

Duration TuneItems::length(const Recipe& recipe, double share) const {
  const double steps = std::round(share * static_cast<double>(steps_of(recipe).total_steps));
  return {std::max(1.0, steps), Duration::Unit::steps};
}

bool TuneItems::affords(const Recipe& recipe, double share) const {
  const double cost = epochs(recipe, share);
  if (options_.epochs && epochs_ + cost > *options_.epochs) return false;
  if (!options_.seconds) return true;
  const double rate = epochs_ > 0 ? seconds_ / epochs_ : 0;
  return seconds_ + rate * cost <= *options_.seconds;
}

}  // namespace onecycle
