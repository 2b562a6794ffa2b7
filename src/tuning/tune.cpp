#include "onecycle/tune.h"

#include "core/files.h"
#include "core/format.h"
#include "recipe/yaml.h"
#include "tuning/memo.h"
#include "tuning/range_test_json.h"
#include "tuning/recipe_edit.h"
#include "tuning/trial.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace onecycle {

namespace {

using Json = nlohmann::ordered_json;

// Thrown by an item that was interrupted, so that nothing half done is remembered.
struct Interrupted {};

std::string text_of(const Recipe& recipe, const Registries& registries) {
  return write_yaml(recipe_options(registries.variants()).write(recipe));
}

// Deep nets with batch norm decay less (method: shallow 1e-2 to 1e-4, else 1e-3 to 1e-5).
bool is_shallow(const Recipe& recipe) {
  return recipe.model.name == "mlp" || recipe.model.name == "cnn3";
}

class Procedure {
 public:
  Procedure(const Recipe& recipe, const DataSet& data, const Registries& registries,
            const TuneOptions& options, const std::string& folder, StopSignal& stop,
            Observer* progress, const std::function<void(const std::string&)>& say)
      : recipe_(recipe),
        data_(data),
        registries_(registries),
        options_(options),
        folder_(folder),
        stop_(stop),
        progress_(progress),
        say_(say),
        memo_(folder + "/tune.json",
              text_of(recipe, registries) +
                  format("seeds {}, share {}", options.seeds, options.short_share)) {}

  TuneResult run() {
    try {
      procedure();
    } catch (const Interrupted&) {
      result_.interrupted = true;
    }
    result_.recipe = recipe_;
    return result_;
  }

 private:
  void procedure() {
    if (!choose_rate()) return;
    choose_decay();
    choose_momentum();
    choose_share_of_rate();
    choose_length();
    confirm();
  }

  // ---- Stages ----

  bool choose_rate() {
    const Json found = range("range-test", recipe_, options_.seeds);
    if (found["lr_max"].is_null()) {
      result_.refused = "no learning rate: " + found["refused"].get<std::string>();
      return false;
    }
    result_.range_folder = found["folder"];
    const double lr = found["lr_max"];
    std::vector<double> seeds = found["seed_numbers"].get<std::vector<double>>();
    std::sort(seeds.begin(), seeds.end());
    recipe_ = with_rate(recipe_, lr);
    choose("lr_max", format("{:.3g}", lr), found["reason"],
           seeds.empty() ? "one curve alone"
                         : format("seeds alone: {:.2g} to {:.2g}", seeds.front(), seeds.back()));
    return true;
  }

  void choose_decay() {
    std::vector<Candidate> candidates;
    const std::vector<double> shallow = {1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 0};
    const std::vector<double> deep = {1e-3, 5e-4, 1e-4, 1e-5, 0};
    for (const double l2 : is_shallow(recipe_) ? shallow : deep)
      candidates.push_back(
          {format("{:.3g}", l2), with_weight_decay(recipe_, l2, data_.train.size(), registries_)});
    pick("weight decay (l2 units)", candidates, options_.short_share);
  }

  void choose_momentum() {
    std::vector<Candidate> candidates = {{"as the recipe", recipe_}};
    for (const double momentum : {0.97, 0.95, 0.9})
      candidates.push_back({format("{:.2f}", momentum), with_momentum(recipe_, momentum)});
    if (recipe_.schedule.name == "one_cycle")
      candidates.push_back({"0.95-0.85-0.95", with_cycled_momentum(recipe_, 0.95, 0.85)});
    pick("momentum", candidates, options_.short_share);
  }

  // Momentum and decay moved the edge: shares of the rate found, under the schedule in use.
  void choose_share_of_rate() {
    const double lr = peak();
    std::vector<Candidate> candidates;
    for (const double share : {1.0, 0.5, 0.25})
      candidates.push_back({format("{:.3g}", lr * share), with_rate(recipe_, lr * share)});
    pick("lr_max, confirmed", candidates, 2 * options_.short_share);
  }

  // How accuracy grows with the cycle; the recipe's own length is kept.
  void choose_length() {
    std::string evidence;
    for (const double share : {options_.short_share, 2 * options_.short_share}) {
      if (share >= 1 || !affords(share)) continue;
      const Json trial =
          trained(format("length {:.2g}", share), with_duration(recipe_, length(share)));
      evidence +=
          format("{}{:.3g} ep: {}", evidence.empty() ? "" : ", ", epochs(share), shown(trial));
    }
    choose("duration", recipe_.train.duration.text(), evidence, "kept as given");
  }

  void confirm() {
    if (!affords(options_.short_share)) {
      result_.words.push_back("No confirming range test: the budget did not reach.");
      return;
    }
    const Json found = range("confirming range test", recipe_, 1);
    const double lr = peak();
    if (found["lr_max"].is_null()) {
      result_.words.push_back("The confirming range test gave no number: " +
                              found["refused"].get<std::string>());
      return;
    }
    const double again = found["lr_max"];
    result_.words.push_back(
        format("The confirming range test, at the decay and momentum chosen, puts the largest rate "
               "at {:.3g}; {:.3g} is used{}.",
               again, lr, lr <= again ? ", within it" : ", beyond it: one seed's sweep is short"));
  }

  // ---- Items ----

  struct Candidate {
    std::string label;
    Recipe recipe;
  };

  void pick(const std::string& what, const std::vector<Candidate>& candidates, double share) {
    std::vector<Json> trials;
    std::string evidence;
    for (const Candidate& candidate : candidates) {
      if (!affords(share)) break;
      trials.push_back(
          trained(what + " " + candidate.label, with_duration(candidate.recipe, length(share))));
      evidence +=
          format("{}{}: {}", evidence.empty() ? "" : ", ", candidate.label, shown(trials.back()));
    }
    if (trials.size() < candidates.size()) {
      choose(what, "as the recipe", evidence, "not chosen: the budget did not reach");
      return;
    }
    std::size_t best = 0;
    for (std::size_t i = 1; i < trials.size(); ++i)
      if (loss(trials[i]) < loss(trials[best])) best = i;
    if (!std::isfinite(loss(trials[best]))) {
      choose(what, "as the recipe", evidence, "every trial diverged");
      return;
    }
    double second = HUGE_VAL;
    for (std::size_t i = 0; i < trials.size(); ++i)
      if (i != best) second = std::min(second, loss(trials[i]));
    const bool clear = second > 1.02 * loss(trials[best]);
    recipe_ = with_duration(candidates[best].recipe, recipe_.train.duration);
    choose(what, candidates[best].label, evidence,
           clear ? "clear" : "close: within 2 % of the next, one seed each");
  }

  Json trained(const std::string& key, const Recipe& recipe) {
    const Json trial = memo_.get(key, [&] {
      const TrialResult result = run_trial(build_on(data_, recipe, registries_), stop_, progress_);
      if (result.interrupted) throw Interrupted();
      say_(format("{:<34} validation {}", key,
                  result.diverged ? "diverged"
                                  : format("loss {:.4f}, accuracy {:.2f} %", result.loss,
                                           100 * result.accuracy)));
      return Json{{"loss", result.diverged ? Json() : Json(result.loss)},
                  {"accuracy", result.accuracy},
                  {"epochs", result.epochs},
                  {"seconds", result.seconds}};
    });
    spend(trial);
    return trial;
  }

  Json range(const std::string& key, const Recipe& recipe, std::int64_t seeds) {
    const Json found = memo_.get(key, [&] {
      const auto begun = std::chrono::steady_clock::now();
      RangeTestOptions options;
      options.seeds = seeds;
      const RangeTest test = range_test(
          [&](std::int64_t offset) {
            Recipe seeded = recipe;
            seeded.seed += offset;
            return build_on(data_, seeded, registries_);
          },
          options, stop_, progress_);
      if (stop_.signal_number() != 0) throw Interrupted();
      const std::string folder = create_numbered_folder(folder_ + "/range");
      write_file_atomically(folder + "/range_test.json",
                            {range_test_json(test, recipe.name, "", text_of(recipe, registries_))});
      const double seconds =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
      say_(
          format("{:<34} {}", key,
                 test.lr_max ? format("lr_max {:.3g}", *test.lr_max) : "refused: " + test.refused));
      return Json{{"lr_max", test.lr_max ? Json(*test.lr_max) : Json()},
                  {"refused", test.refused},
                  {"reason", test.suggestions.empty() ? "" : test.suggestions[0].reason},
                  {"seed_numbers", test.seed_numbers},
                  {"folder", folder},
                  {"epochs", epochs_of(test, recipe)},
                  {"seconds", seconds}};
    });
    spend(found);
    return found;
  }

  // ---- Counting ----

  void spend(const Json& item) {
    result_.epochs += item["epochs"].get<double>();
    result_.seconds += item["seconds"].get<double>();
  }

  // Whether a run of `share` of the recipe's length fits into what is left of the budget.
  bool affords(double share) const {
    const double cost = epochs(share);
    if (options_.epochs && result_.epochs + cost > *options_.epochs) return false;
    if (!options_.seconds) return true;
    const double rate = result_.epochs > 0 ? result_.seconds / result_.epochs : 0;
    return result_.seconds + rate * cost <= *options_.seconds;
  }

  double epochs(double share) const {
    const StepPlan steps = plan_course(recipe_, data_.train.size(), registries_).steps;
    return share * static_cast<double>(steps.total_steps) /
           static_cast<double>(steps.steps_per_epoch);
  }
  Duration length(double share) const {
    const StepPlan steps = plan_course(recipe_, data_.train.size(), registries_).steps;
    return {std::max(1.0, std::round(share * static_cast<double>(steps.total_steps))),
            Duration::Unit::steps};
  }
  double epochs_of(const RangeTest& test, const Recipe& recipe) const {
    double steps = 0;
    for (const LabelledSweep& one : test.sweeps)
      steps += static_cast<double>(one.curve.points.size());
    return steps / static_cast<double>(
                       plan_course(recipe, data_.train.size(), registries_).steps.steps_per_epoch);
  }
  double peak() const {
    return plan_course(recipe_, data_.train.size(), registries_).optimizer.rule.lr_max;
  }

  static double loss(const Json& trial) {
    return trial["loss"].is_null() ? HUGE_VAL : trial["loss"].get<double>();
  }
  static std::string shown(const Json& trial) {
    return trial["loss"].is_null() ? "diverged" : format("{:.4f}", loss(trial));
  }
  void choose(const std::string& what, const std::string& value, const std::string& evidence,
              const std::string& sure) {
    result_.choices.push_back({what, value, evidence, sure});
  }

  Recipe recipe_;
  const DataSet& data_;
  const Registries& registries_;
  TuneOptions options_;
  std::string folder_;
  StopSignal& stop_;
  Observer* progress_;
  const std::function<void(const std::string&)>& say_;
  Memo memo_;
  TuneResult result_;
};

}  // namespace

TuneResult tune(const Recipe& recipe, const DataSet& data, const Registries& registries,
                const TuneOptions& options, const std::string& folder, StopSignal& stop,
                Observer* progress, const std::function<void(const std::string&)>& say) {
  return Procedure(recipe, data, registries, options, folder, stop, progress, say).run();
}

}  // namespace onecycle
