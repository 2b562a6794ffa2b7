#include "onecycle/tune.h"

#include "core/loss_rise.h"
#include "core/text/format.h"
#include "recipe/recipe_text.h"
#include "study/recipe_edit.h"
#include "study/tune/tune_items.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace onecycle {

namespace {

constexpr int kRates = 3;      // whole, half and a quarter
constexpr int kMostRates = 6;  // halved further, down to kLowestShare
constexpr int kLengths = 2;    // a short one and twice that
constexpr double kMomenta[] = {0.97, 0.95, 0.9};
constexpr double kClose = 1.02;            // losses that differ by less, or by .02 nats
constexpr double kLowestShare = 1.0 / 32;  // of the rate found

class Procedure {
 public:
  explicit Procedure(const Tuning& tuning)
      : recipe_(tuning.recipe),
        data_(tuning.data),
        environment_(tuning.environment),
        options_(tuning.options),
        items_(tuning) {}

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
    look_at_run();
    if (!choose_rate()) return;
    choose_decay();
    choose_momentum();
    choose_share_of_rate();
    choose_length();
    confirm();
  }

  // What does not depend on what is chosen.
  void look_at_run() {
    const RecipeRun run = build_parts(data_, recipe_, environment_);
    result_.metrics = run.task->metrics();
    loss_may_be_negative_ = run.task->loss_may_be_negative();
    decays_ = run.model->decays_to_try();
    items_.expect(most_items());
  }

  std::int64_t most_items() const {
    std::int64_t count = 1 + kMostRates + kLengths + 1;  // between two range tests
    if (takes(recipe_.optimizer, Change::set_weight_decay))
      count += static_cast<std::int64_t>(decays_.size());
    if (takes(recipe_.optimizer, Change::set_momentum))
      count += 1 + static_cast<std::int64_t>(std::size(kMomenta)) +
               (takes(recipe_.schedule, Change::set_momentum_max) ? 1 : 0);
    return count;
  }

  // ---- Stages ----

  bool choose_rate() {
    RangeItem found = items_.range("range-test", recipe_, options_.seeds);
    if (!found.lr_max) {
      result_.refused = "no learning rate: " + found.refused;
      return false;
    }
    result_.range_folder = found.folder;
    std::vector<double>& seeds = found.seed_numbers;
    std::sort(seeds.begin(), seeds.end());
    recipe_ = with_rate(recipe_, *found.lr_max);
    add({"lr_max", format("{:.3g}", *found.lr_max), found.reason,
         seeds.empty() ? "one curve alone"
                       : format("seeds alone: {:.2g} to {:.2g}", seeds.front(), seeds.back())});
    return true;
  }

  void choose_decay() {
    if (!takes(recipe_.optimizer, Change::set_weight_decay)) return;
    std::vector<Candidate> candidates;
    for (const double l2 : decays_)
      candidates.push_back(
          {format("{:.3g}", l2), with_weight_decay(recipe_, l2, data_.train.size(), environment_)});
    pick({"weight decay (l2 units)", candidates, options_.short_share});
  }

  void choose_momentum() {
    if (!takes(recipe_.optimizer, Change::set_momentum)) return;
    std::vector<Candidate> candidates = {{"as the recipe", recipe_}};
    for (const double momentum : kMomenta)
      candidates.push_back({format("{:.2f}", momentum), with_momentum(recipe_, momentum)});
    if (takes(recipe_.schedule, Change::set_momentum_max))
      candidates.push_back({"0.95-0.85-0.95", with_cycled_momentum(recipe_, 0.95, 0.85)});
    pick({"momentum", candidates, options_.short_share});
  }

  // Momentum and decay moved the edge, and the longer the cycle the lower its best rate: shares of
  // the rate found, under the schedule in use, halved further while the lowest is the best. These
  // cycles are half as long, so the lower of two that are close is taken.
  void choose_share_of_rate() {
    double share = 1;
    const double lr = peak();
    const auto candidate = [&] {
      const double rate = lr * share;
      share /= 2;
      return Candidate{format("{:.3g}", rate), with_rate(recipe_, rate)};
    };
    Contest contest{"lr_max, confirmed", {}, 2 * options_.short_share};
    contest.most = kMostRates;
    for (int i = 0; i < kRates; ++i) contest.candidates.push_back(candidate());
    contest.next = [&]() -> std::optional<Candidate> {
      if (share < kLowestShare) return std::nullopt;
      return candidate();
    };
    contest.later_wins_ties = true;
    pick(std::move(contest));
  }

  // What a longer cycle brings; the recipe's own length is kept.
  void choose_length() {
    TuneChoice choice{"duration", recipe_.train.duration.text(), "", "kept as given"};
    for (const double share : {options_.short_share, 2 * options_.short_share}) {
      if (share >= 1 || !items_.affords(recipe_, share)) continue;
      const TrainedItem trial = items_.trained(
          format("length {:.2g}", share), with_duration(recipe_, items_.length(recipe_, share)));
      choice.trials.push_back(trial_of(format("{:.3g} ep", items_.epochs(recipe_, share)), trial));
    }
    add(std::move(choice));
  }

  void confirm() {
    if (!items_.affords(recipe_, options_.short_share)) {
      result_.words.push_back("No confirming range test: the budget was too small.");
      return;
    }
    const RangeItem found = items_.range("confirming range test", recipe_, 1);
    result_.confirming_folder = found.folder;
    const double lr = peak();
    if (!found.lr_max) {
      result_.words.push_back("The confirming range test gave no number: " + found.refused);
      return;
    }
    const double again = *found.lr_max;
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
  // Candidates that are compared in whole cycles of `share` of the recipe's length.
  struct Contest {
    std::string what;
    std::vector<Candidate> candidates;
    double share = 1;
    // While the last candidate is the best, another may follow.
    std::function<std::optional<Candidate>()> next = [] { return std::optional<Candidate>(); };
    std::size_t most = 0;  // candidates there may be; 0: those given
    // Where losses are close the later candidate wins, else the lowest loss does.
    bool later_wins_ties = false;
  };

  // Goes on with the candidate of the lowest validation loss.
  void pick(Contest contest) {
    const std::size_t most = std::max(contest.most, contest.candidates.size());
    add(compete(std::move(contest)));
    items_.expect(static_cast<std::int64_t>(result_.choices.back().trials.size()) -
                  static_cast<std::int64_t>(most));
  }

  TuneChoice compete(Contest contest) {
    TuneChoice choice{contest.what, "as the recipe", "", ""};
    std::vector<Candidate>& candidates = contest.candidates;
    drop_repeated(candidates);
    std::size_t best = 0;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (!items_.affords(recipe_, contest.share)) {
        choice.sure = "not chosen: the budget was too small";
        return choice;
      }
      const Candidate& candidate = candidates[i];
      choice.trials.push_back(trial_of(
          candidate.label,
          items_.trained(contest.what + " " + candidate.label,
                         with_duration(candidate.recipe, items_.length(recipe_, contest.share)))));
      if (loss(choice.trials[i]) < loss(choice.trials[best])) best = i;
      if (i + 1 < candidates.size() || best != i || !items_.affords(recipe_, contest.share))
        continue;
      if (auto another = contest.next()) candidates.push_back(std::move(*another));
    }
    if (!choice.trials[best].loss) {
      choice.sure = "every trial diverged";
      return choice;
    }
    const double close = close_to(loss(choice.trials[best]));
    while (contest.later_wins_ties && best + 1 < candidates.size() &&
           loss(choice.trials[best + 1]) <= close)
      ++best;
    choice.trials[best].chosen = true;
    choice.value = candidates[best].label;
    choice.sure = how_sure(choice.trials, best);
    recipe_ = with_duration(candidates[best].recipe, recipe_.train.duration);
    return choice;
  }

  // What the recipe says may be one of the usual values: the first of the same stays.
  void drop_repeated(std::vector<Candidate>& candidates) const {
    std::vector<std::string> seen;
    std::erase_if(candidates, [&](const Candidate& candidate) {
      const std::string text = resolved_text(candidate.recipe, environment_.registries);
      if (std::find(seen.begin(), seen.end(), text) != seen.end()) return true;
      seen.push_back(text);
      return false;
    });
  }

  std::string how_sure(const std::vector<TuneTrial>& trials, std::size_t best) const {
    const LossesSeen seen = seen_at(loss(trials[best]));
    for (std::size_t i = 0; i < trials.size(); ++i)
      if (i != best && loss(trials[i]) <= close_to(loss(trials[best])))
        return format("close: within {} of another, one seed each",
                      by_differences(seen) ? "0.02 nats" : "2 %");
    return "clear";
  }

  double peak() const {
    return plan_run(recipe_, data_.train.size(), environment_).optimizer.rule.lr_max;
  }

  static TuneTrial trial_of(const std::string& label, const TrainedItem& trial) {
    return {label, trial.loss, trial.accuracy, trial.epochs};
  }
  // The largest loss that is as good as `best`.
  double close_to(double best) const { return times_as_bad(best, kClose, seen_at(best)); }
  LossesSeen seen_at(double best) const { return {best, best, loss_may_be_negative_}; }
  static double loss(const TuneTrial& trial) { return trial.loss.value_or(HUGE_VAL); }

  void add(TuneChoice choice) {
    for (const TuneTrial& trial : choice.trials)
      choice.evidence +=
          format("{}{}: {}", choice.evidence.empty() ? "" : ", ", trial.label,
                 trial.loss ? format("{:.4f}", *trial.loss) : std::string("diverged"));
    result_.choices.push_back(std::move(choice));
  }

  Recipe recipe_;
  const DataSet& data_;
  const Environment& environment_;
  TuneOptions options_;
  TuneItems items_;
  std::vector<double> decays_;  // l2, of the model
  bool loss_may_be_negative_ = false;
  TuneResult result_;
};

}  // namespace

TuneResult tune(const Tuning& tuning) { return Procedure(tuning).run(); }

}  // namespace onecycle
