#include "tuning/tune_items.h"

#include "core/files.h"
#include "core/format.h"
#include "train/recipe_text.h"
#include "train/shared_checkpoints.h"
#include "tuning/range_test_json.h"
#include "tuning/trial.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

namespace onecycle {

namespace {

// What a memo's file holds may be of others' making.
bool has_number(const Json& item, const char* key, double least, bool or_null = false) {
  const auto found = item.find(key);
  if (found == item.end()) return false;
  return (or_null && found->is_null()) || (found->is_number() && found->get<double>() >= least);
}

bool is_trial(const Json& item) {
  return item.is_object() && has_number(item, "loss", -HUGE_VAL, true) &&
         has_number(item, "accuracy", 0) && has_number(item, "epochs", 0) &&
         has_number(item, "seconds", 0);
}

bool is_range(const Json& item) {
  if (!item.is_object()) return false;
  for (const char* key : {"refused", "reason", "folder"})
    if (!item.contains(key) || !item[key].is_string()) return false;
  const auto seeds = item.find("seed_numbers");
  return seeds != item.end() && seeds->is_array() &&
         std::all_of(seeds->begin(), seeds->end(),
                     [](const Json& one) { return one.is_number(); }) &&
         has_number(item, "lr_max", std::numeric_limits<double>::min(), true) &&
         has_number(item, "epochs", 0) && has_number(item, "seconds", 0);
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
      memo_(folder_ + "/tune.json",
            resolved_text(tuning.recipe, environment_.registries) +
                format("seeds {}, share {}", options_.seeds, options_.short_share) +
                environment_digest(tuning.recipe),
            environment_.group) {}

Json TuneItems::trained(const std::string& key, const Recipe& recipe) {
  const Json trial = memo_.get(
      key, [&] { return train_now(key, recipe); }, is_trial);
  spend(trial);
  return trial;
}

Json TuneItems::train_now(const std::string& key, const Recipe& recipe) {
  const TrialScore result = run_trial(build_on(data_, recipe, environment_), stop_, progress_);
  if (result.interrupted) throw Interrupted();
  say_(format("{:<34} validation {}", key,
              result.diverged
                  ? "diverged"
                  : format("loss {:.4f}, accuracy {:.2f} %", result.loss, 100 * result.accuracy)));
  return {{"loss", result.diverged ? Json() : Json(result.loss)},
          {"accuracy", result.accuracy},
          {"epochs", result.epochs},
          {"seconds", result.seconds}};
}

Json TuneItems::range(const std::string& key, const Recipe& recipe, std::int64_t seeds) {
  const Json found = memo_.get(
      key, [&] { return range_now(key, recipe, seeds); }, is_range);
  spend(found);
  return found;
}

Json TuneItems::range_now(const std::string& key, const Recipe& recipe, std::int64_t seeds) {
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
  return {{"lr_max", test.lr_max ? Json(*test.lr_max) : Json()},
          {"refused", test.refused},
          {"reason", test.suggestions.empty() ? "" : test.suggestions[0].reason},
          {"seed_numbers", test.seed_numbers},
          {"folder", folder},
          {"epochs", steps_in(test) / static_cast<double>(steps_of(recipe).steps_per_epoch)},
          {"seconds", seconds}};
}

StepPlan TuneItems::steps_of(const Recipe& recipe) const {
  return plan_course(recipe, data_.train.size(), environment_).steps;
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

void TuneItems::spend(const Json& item) {
  epochs_ += item["epochs"].get<double>();
  seconds_ += item["seconds"].get<double>();
}

}  // namespace onecycle
