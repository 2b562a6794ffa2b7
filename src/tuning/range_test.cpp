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
constexpr int kLongerSweeps = 5;

struct Columns {
  std::vector<double> lr, values;
};

Columns train_losses(const SweepCurve& curve) {
  Columns columns;
  for (const SweepPoint& point : curve.points) {
    if (point.lr <= 0 || !std::isfinite(point.train_loss)) continue;
    columns.lr.push_back(point.lr);
    columns.values.push_back(point.train_loss);
  }
  return columns;
}

Columns held_out(const SweepCurve& curve, std::optional<double> SweepPoint::*value) {
  Columns columns;
  for (const SweepPoint& point : curve.points) {
    if (point.lr <= 0 || !(point.*value) || !std::isfinite(*(point.*value))) continue;
    columns.lr.push_back(point.lr);
    columns.values.push_back(*(point.*value));
  }
  return columns;
}

using Extract = std::function<Columns(const SweepCurve&)>;

std::vector<Band> bands(const std::vector<const SweepCurve*>& curves, const Extract& extract,
                        const std::vector<double>& at) {
  std::vector<Band> result(at.size());
  Columns all;
  std::vector<std::vector<double>> each;
  for (const SweepCurve* curve : curves) {
    const Columns columns = extract(*curve);
    if (columns.lr.empty()) continue;
    each.push_back(smoothed_over_lr(columns.lr, columns.values, at));
    all.lr.insert(all.lr.end(), columns.lr.begin(), columns.lr.end());
    all.values.insert(all.values.end(), columns.values.begin(), columns.values.end());
  }
  if (all.lr.empty()) return result;
  const auto pooled = smoothed_over_lr(all.lr, all.values, at,
                                       5 * static_cast<int>(std::max<std::size_t>(1, each.size())));
  for (std::size_t i = 0; i < at.size(); ++i) {
    result[i] = {pooled[i], each[0][i], each[0][i]};
    for (const auto& one : each) {
      result[i].low = std::min(result[i].low, one[i]);
      result[i].high = std::max(result[i].high, one[i]);
    }
  }
  return result;
}

// The rate at which the smoothed training loss of the coarse sweep is least.
double edge_of(const SweepCurve& coarse) {
  const Columns losses = train_losses(coarse);
  if (losses.lr.size() < 5) return losses.lr.empty() ? kCoarseLow : losses.lr.back();
  const auto smoothed = smoothed_over_lr(losses.lr, losses.values, losses.lr);
  return losses.lr[static_cast<std::size_t>(std::min_element(smoothed.begin(), smoothed.end()) -
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

bool diverged(const SweepCurve& curve) { return !curve.stopped.empty() && !curve.interrupted; }

std::string beyond_end(const SweepCurve& curve) {
  return diverged(curve) ? "then the loss diverges" : "";
}

double best_accuracy(const SweepCurve& curve) {
  double best = 0;
  for (const SmoothedPoint& point : smooth({&curve}))
    best = std::max(best, point.held_out_accuracy.value);
  return best;
}

// From the linear sweeps to `high`.
void conclude(RangeTest& test, double high, std::string beyond) {
  std::vector<const SweepCurve*> linear;
  std::int64_t samples = 0;
  for (const LabelledSweep& one : test.sweeps) {
    if (one.plan.shape != SweepShape::linear || one.plan.high != high) continue;
    linear.push_back(&one.curve);
    samples += one.curve.held_out;
    const std::string after = beyond.empty() ? beyond_end(one.curve) : beyond;
    const Suggestion alone = smith_on(smooth({&one.curve}), one.curve.held_out, after);
    if (alone.lr) test.seed_numbers.push_back(*alone.lr);
  }
  for (const SweepCurve* curve : linear)
    if (beyond.empty()) beyond = beyond_end(*curve);
  test.smoothed = smooth(linear);
  const Suggestion smith = smith_on(test.smoothed, samples, beyond);
  test.suggestions.insert(test.suggestions.begin(), smith);
  if (!smith.lr) {
    test.refused = smith.reason;
    return;
  }
  test.lr_max = rounded_down(*smith.lr);
  test.lr_min = rounded_down(*test.lr_max / 10);
  double least = *smith.lr;
  double most = *smith.lr;
  for (const Suggestion& other : test.suggestions) {
    if (!other.lr || *other.lr <= 0) continue;
    least = std::min(least, *other.lr);
    most = std::max(most, *other.lr);
  }
  test.uncertain = most > kFarApart * least;
}

}  // namespace

std::vector<SmoothedPoint> smooth(const std::vector<const SweepCurve*>& curves) {
  const auto losses = [](const SweepCurve& c) { return held_out(c, &SweepPoint::held_out_loss); };
  const auto accuracies = [](const SweepCurve& c) {
    return held_out(c, &SweepPoint::held_out_accuracy);
  };
  std::vector<double> at;
  for (const SweepCurve* curve : curves) {
    const Columns looks = accuracies(*curve);
    if (looks.lr.size() > at.size()) at = looks.lr;
  }
  const auto train = bands(curves, train_losses, at);
  const auto loss = bands(curves, losses, at);
  const auto accuracy = bands(curves, accuracies, at);
  std::vector<SmoothedPoint> result;
  for (std::size_t i = 0; i < at.size(); ++i)
    result.push_back({at[i], train[i], loss[i], accuracy[i]});
  return result;
}

RangeTest range_test(const MakeRun& make_run, const RangeTestOptions& options, StopSignal& stop,
                     Observer* progress) {
  RangeTest test;
  const auto add = [&](const std::string& label, std::int64_t seed, const Sweep& plan) {
    Run run = make_run(seed);
    test.sweeps.push_back({label, run.recipe.seed, plan, sweep(run, plan, stop, progress)});
    return !test.sweeps.back().curve.interrupted;
  };
  Sweep coarse;
  coarse.low = kCoarseLow;
  coarse.high = kCoarseHigh;
  coarse.steps = options.coarse_steps;
  coarse.evaluate_every = 0;
  coarse.phase = options.phase;
  if (!add("coarse", 0, coarse)) return test;
  test.suggestions = fastai_on(test.sweeps[0].curve, coarse.steps);
  const double edge = edge_of(test.sweeps[0].curve);
  test.words.push_back(
      format("The coarse sweep's training loss is least at {:.2g}; the linear sweeps go to {:.2g}.",
             edge, options.high.value_or(kBeyondEdge * edge)));

  Sweep linear;
  linear.shape = SweepShape::linear;
  linear.high = options.high.value_or(kBeyondEdge * edge);
  linear.low = options.low.value_or(linear.high / 100);
  linear.steps = options.steps;
  linear.evaluate_every = options.evaluate_every;
  linear.held_out = options.held_out;
  linear.phase = options.phase;
  // The first seed finds the range: a sweep that ends before any fall is made again, to three times
  // its end. A steeper sweep that reaches less has gone too far: the edge is between the two ends.
  if (!add("seed 1", 0, linear)) return test;
  std::string beyond;
  const auto again = [&](double factor, std::size_t before) {
    Sweep longer = linear;
    longer.high *= factor;
    longer.low = options.low.value_or(longer.high / 100);
    if (!add("seed 1", 0, longer)) return false;
    const SweepCurve& known = test.sweeps[before].curve;
    const double reached = best_accuracy(known);
    const double now = best_accuracy(test.sweeps.back().curve);
    const bool too_far = now < reached - accuracy_tolerance(reached, known.held_out);
    test.words.push_back(
        format("The held-out accuracy had not fallen by {:.2g}: swept again to {:.2g}, which "
               "reached {:.1f} % after {:.1f} %.",
               linear.high, longer.high, 100 * now, 100 * reached));
    LabelledSweep& left = test.sweeps[too_far ? test.sweeps.size() - 1 : before];
    left.label = format("seed 1, to {:.2g}", left.plan.high);
    if (too_far) beyond = "and a sweep that goes farther reaches less";
    if (!too_far) linear = longer;
    return true;
  };
  for (int longer = 0; longer < kLongerSweeps && !options.high && beyond.empty(); ++longer) {
    const std::size_t last = test.sweeps.size() - 1;
    const SweepCurve& before = test.sweeps[last].curve;
    if (diverged(before) || smith_on(smooth({&before}), before.held_out, "").lr) break;
    if (!again(kBeyondEdge, last)) return test;
    if (!beyond.empty() && !again(std::sqrt(kBeyondEdge), last)) return test;
  }
  for (std::int64_t seed = 1; seed < options.seeds; ++seed)
    if (!add(format("seed {}", seed + 1), seed, linear)) return test;
  conclude(test, linear.high, beyond);
  return test;
}

}  // namespace onecycle
