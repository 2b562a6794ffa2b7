#include "tuning/range_test.h"

#include "core/format.h"
#include "tuning/smoothing.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

constexpr double kCoarseLow = 1e-5;
constexpr double kCoarseHigh = 10;
constexpr double kBeyondEdge = 3;
constexpr double kFarApart = 10;
constexpr double kMinimumShare = 10;  // fastai's minimum is a tenth of where the loss is least
constexpr int kLongerSweeps = 5;
constexpr std::int64_t kFewestSteps = 100;
constexpr std::int64_t kMostSteps = 400;

// The rate at which the smoothed training loss of the coarse sweep is least.
double edge_of(const SweepCurve& coarse) {
  std::vector<double> lr;
  std::vector<double> losses;
  for (const SweepPoint& point : coarse.points) {
    if (!std::isfinite(point.train_loss)) continue;
    lr.push_back(point.lr);
    losses.push_back(point.train_loss);
  }
  if (lr.size() < 5) return lr.empty() ? kCoarseLow : lr.back();
  const auto smoothed = smoothed_over_lr(lr, losses, lr);
  return lr[static_cast<std::size_t>(std::min_element(smoothed.begin(), smoothed.end()) -
                                     smoothed.begin())];
}

std::vector<Suggestion> fastai_on(const SweepCurve& coarse, std::int64_t steps) {
  std::vector<double> lr;
  std::vector<double> losses;
  CausalAverage average;
  for (const SweepPoint& point : coarse.points) {
    lr.push_back(point.lr);
    losses.push_back(average.add(point.train_loss));
  }
  return fastai_rules(lr, losses, steps);
}

Suggestion smith_on(const std::vector<SmoothedPoint>& points, std::int64_t samples,
                    const std::string& beyond) {
  std::vector<double> lr;
  std::vector<double> accuracy;
  for (const SmoothedPoint& point : points) {
    lr.push_back(point.lr);
    accuracy.push_back(point.held_out_accuracy.value);
  }
  return smith_rule(lr, accuracy, samples, beyond);
}

// What comes after the sweep's last rate, where that is known.
std::string after_end(const SweepCurve& curve) {
  return !curve.stopped.empty() && !curve.interrupted ? "then the loss diverges" : "";
}

double best_accuracy(const SweepCurve& curve) {
  double best = 0;
  for (const SmoothedPoint& point : smooth({&curve}))
    best = std::max(best, point.held_out_accuracy.value);
  return best;
}

// Whether the answers about where learning ends lie far apart. fastai's other rules look for where
// it is fastest, which is far below by design, and have no say here.
bool far_apart(const RangeTest& test, double number) {
  std::vector<double> edges = test.seed_numbers;
  edges.push_back(number);
  for (const Suggestion& one : test.suggestions)
    if (one.rule == "minimum" && one.lr && *one.lr > 0) edges.push_back(kMinimumShare * *one.lr);
  const auto [least, most] = std::minmax_element(edges.begin(), edges.end());
  return *most > kFarApart * *least;
}

class Procedure {
 public:
  Procedure(const SweepWith& sweep_with, const RangeTestOptions& options)
      : sweep_with_(sweep_with), options_(options) {
    linear_.shape = SweepShape::linear;
    linear_.steps = options.steps.value_or(kMostSteps);
    linear_.evaluate_every = options.evaluate_every;
    linear_.held_out = options.held_out;
  }

  RangeTest run() {
    if (!locate()) return std::move(test_);
    if (!add(0, linear_) || !(falls_at_end() || extend())) return std::move(test_);
    for (;;) {
      for (std::int64_t seed = 1; seed < options_.seeds; ++seed)
        if (!add(seed, linear_)) return std::move(test_);
      if (!conclude() || !may_extend()) return std::move(test_);
      // One seed's fall was noise: together they have not fallen.
      if (!extend()) return std::move(test_);
    }
  }

 private:
  // ---- The range ----

  bool locate() {
    Sweep coarse;
    coarse.low = kCoarseLow;
    coarse.high = kCoarseHigh;
    coarse.steps = options_.coarse_steps;
    coarse.evaluate_every = 0;
    if (!add(0, coarse)) return false;
    test_.suggestions = fastai_on(test_.sweeps[0].curve, coarse.steps);
    const double edge = edge_of(test_.sweeps[0].curve);
    set_high(options_.high.value_or(kBeyondEdge * edge));
    test_.words.push_back(format(
        "The coarse sweep's training loss is least at {:.2g}; the linear sweeps go to {:.2g}.",
        edge, linear_.high));
    return true;
  }

  void set_high(double high) {
    linear_.high = high;
    linear_.low = options_.low.value_or(high / 100);
  }

  bool may_extend() const {
    return !options_.high && beyond_.empty() && extensions_ < kLongerSweeps;
  }

  bool falls_at_end() const {
    if (!may_extend()) return true;
    const SweepCurve& last = test_.sweeps.back().curve;
    return !after_end(last).empty() || smith_on(smooth({&last}), last.held_out, "").lr;
  }

  // Sweeps on until there is a fall, or until a sweep reaches less than a shorter one did: then it
  // went too far, and a last one looks between the two ends. False where it was interrupted.
  bool extend() {
    do {
      ++extensions_;
      const double before = linear_.high;
      bool too_far = false;
      if (!sweep_to(kBeyondEdge * before, too_far)) return false;
      if (!too_far) continue;
      beyond_ = "and a sweep that goes farther reaches less";
      if (!sweep_to(std::sqrt(kBeyondEdge) * before, too_far)) return false;
    } while (!falls_at_end());
    return true;
  }

  // Moves the range to `high` where the first seed reaches as much there as anywhere before.
  bool sweep_to(double high, bool& too_far) {
    const double before = linear_.high;
    for (const LabelledSweep& one : test_.sweeps)
      if (one.plan.shape == SweepShape::linear && one.plan.high == before)
        reached_ = std::max(reached_, best_accuracy(one.curve));
    set_high(high);
    if (!add(0, linear_)) return false;
    const SweepCurve& curve = test_.sweeps.back().curve;
    const double now = best_accuracy(curve);
    too_far = now < reached_ - accuracy_tolerance(reached_, curve.held_out);
    test_.words.push_back(
        format("The held-out accuracy had not fallen by {:.2g}: swept again to {:.2g}, which "
               "reached {:.1f} %{}, after {:.1f} %.",
               before, high, 100 * now, too_far ? ", less" : "", 100 * reached_));
    if (too_far) set_high(before);
    return true;
  }

  bool add(std::int64_t seed, const Sweep& plan) {
    SeededSweep made = sweep_with_(seed, plan);
    const bool whole = !made.curve.interrupted;
    const std::string label =
        plan.shape == SweepShape::linear ? format("seed {}", seed + 1) : std::string("coarse");
    test_.sweeps.push_back({label, made.seed, plan, std::move(made.curve)});
    return whole;
  }

  // ---- The number ----

  // From the linear sweeps to the end of the range. True where the range proved too short.
  bool conclude() {
    std::vector<const SweepCurve*> linear;
    std::int64_t samples = 0;
    std::string beyond = beyond_;
    test_.seed_numbers.clear();
    for (LabelledSweep& one : test_.sweeps) {
      if (one.plan.shape != SweepShape::linear) continue;
      if (one.plan.high != linear_.high) {
        if (one.label.find(',') == std::string::npos)
          one.label += format(", to {:.2g}", one.plan.high);
        continue;
      }
      linear.push_back(&one.curve);
      samples += one.curve.held_out;
      if (beyond.empty()) beyond = after_end(one.curve);
      const std::string after = beyond_.empty() ? after_end(one.curve) : beyond_;
      const Suggestion alone = smith_on(smooth({&one.curve}), one.curve.held_out, after);
      if (alone.lr) test_.seed_numbers.push_back(*alone.lr);
    }
    test_.smoothed = smooth(linear);
    const Suggestion smith = smith_on(test_.smoothed, samples, beyond);
    std::erase_if(test_.suggestions, [&](const Suggestion& one) { return one.rule == smith.rule; });
    test_.suggestions.insert(test_.suggestions.begin(), smith);
    test_.refused = smith.lr ? "" : smith.reason;
    if (!smith.lr) return smith.too_low;
    test_.lr_max = rounded_down(*smith.lr);
    test_.lr_min = rounded_down(*test_.lr_max / 10);
    test_.uncertain = far_apart(test_, *smith.lr);
    return false;
  }

  const SweepWith& sweep_with_;
  RangeTestOptions options_;
  RangeTest test_;
  Sweep linear_;
  std::string beyond_;  // what is known to come after the range's end
  double reached_ = 0;  // the best smoothed accuracy of a shorter range
  int extensions_ = 0;
};

}  // namespace

RangeTest range_test_over(const SweepWith& sweep_with, const RangeTestOptions& options) {
  return Procedure(sweep_with, options).run();
}

RangeTest range_test(const MakeRun& make_run, const RangeTestOptions& options, StopSignal& stop,
                     Observer* progress) {
  RangeTestOptions completed = options;
  if (!options.steps)
    completed.steps = std::clamp(make_run(0).steps.total_steps / 4, kFewestSteps, kMostSteps);
  return range_test_over(
      [&](std::int64_t seed_offset, const Sweep& plan) {
        Run run = make_run(seed_offset);
        return SeededSweep{run.recipe.seed, sweep(run, plan, stop, progress)};
      },
      completed);
}

}  // namespace onecycle
