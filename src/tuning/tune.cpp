#include "onecycle/tune.h"

#include "core/format.h"
#include "tuning/recipe_edit.h"
#include "tuning/tune_items.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

using Json = nlohmann::ordered_json;

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
        items_(recipe, data, registries, options, folder, stop, progress, say) {}

  TuneResult run() {
    try {
      procedure();
    } catch (const Interrupted&) {
      result_.interrupted = true;
    }
    result_.recipe = recipe_;
    result_.epochs = items_.epochs_spent();
    result_.seconds = items_.seconds_spent();
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
    const Json found = items_.range("range-test", recipe_, options_.seeds);
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
      if (share >= 1 || !items_.affords(recipe_, share)) continue;
      const Json trial = items_.trained(format("length {:.2g}", share),
                                        with_duration(recipe_, items_.length(recipe_, share)));
      evidence += format("{}{:.3g} ep: {}", evidence.empty() ? "" : ", ",
                         items_.epochs(recipe_, share), shown(trial));
    }
    choose("duration", recipe_.train.duration.text(), evidence, "kept as given");
  }

  void confirm() {
    if (!items_.affords(recipe_, options_.short_share)) {
      result_.words.push_back("No confirming range test: the budget did not reach.");
      return;
    }
    const Json found = items_.range("confirming range test", recipe_, 1);
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
      if (!items_.affords(recipe_, share)) break;
      trials.push_back(
          items_.trained(what + " " + candidate.label,
                         with_duration(candidate.recipe, items_.length(recipe_, share))));
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
  TuneItems items_;
  TuneResult result_;
};

}  // namespace

TuneResult tune(const Recipe& recipe, const DataSet& data, const Registries& registries,
                const TuneOptions& options, const std::string& folder, StopSignal& stop,
                Observer* progress, const std::function<void(const std::string&)>& say) {
  return Procedure(recipe, data, registries, options, folder, stop, progress, say).run();
}

}  // namespace onecycle
