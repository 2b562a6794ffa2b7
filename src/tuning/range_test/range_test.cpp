#include "tuning/range_test/range_test.h"

#include "core/text/format.h"
#include "tuning/range_test/guessing.h"
#include "tuning/range_test/pooled.h"
#include "tuning/range_test/range_end.h"
#include "tuning/range_test/rules.h"
#include "tuning/range_test/smoothing.h"

#include <algorithm>
#include <cmath>
#include <deque>

namespace onecycle {

namespace {

constexpr double kCoarseLow = 1e-5;
constexpr double kCoarseHigh = 10;
constexpr double kBeyondEdge = 3;
constexpr double kFarApart = 10;
constexpr double kMinimumShare = 10;  // fastai's minimum is a tenth of where the loss is least
constexpr int kGrid = 4;              // ends of sweeps a decade
constexpr int kWhole = 2;             // of them a move, at first
constexpr int kFlatMoves = 2;
constexpr int kMostMoves = 6;  // in one direction
// Beyond the end whose sweeps learn most, the number: a little farther they learn nearly as much.
constexpr double kBeyondBest = 1.5;
constexpr double kNearEnd = 0.9;  // of the end of a sweep: the number is where it ends
constexpr std::int64_t kFewestSweepSteps = 200;
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

// What comes after the sweep's last rate, where that is known.
std::string after_end(const SweepCurve& curve) {
  return !curve.stopped.empty() && !curve.interrupted ? "then the loss diverges" : "";
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
  Procedure(const SweepWith& sweep_with, const RangeTestOptions& options,
            const std::function<Guessing()>& guessing)
      : sweep_with_(sweep_with), options_(options), guessing_(guessing) {
    linear_.shape = SweepShape::linear;
    linear_.steps = options.steps.value_or(kMostSteps);
    linear_.evaluate_every = options.evaluate_every;
    linear_.held_out = options.held_out;
    linear_.phase = options.phase;
  }

  RangeTest run() {
    try {
      locate();
      if (options_.high) {
        conclude(range_to(*options_.high), "");
      } else {
        search();
      }
    } catch (const Interrupted&) {
      test_.refused = "interrupted";
    }
    for (const RangeEnd& range : ranges_) label(range);
    return std::move(test_);
  }

 private:
  struct Interrupted {};

  // ---- Sweeps ----

  void locate() {
    Sweep coarse;
    coarse.low = kCoarseLow;
    coarse.high = kCoarseHigh;
    coarse.steps = options_.coarse_steps;
    coarse.evaluate_every = 0;
    coarse.phase = options_.phase;
    add(0, coarse);
    test_.suggestions = fastai_on(test_.sweeps[0].curve, coarse.steps);
    edge_ = edge_of(test_.sweeps[0].curve);
    measure_ = test_.sweeps[0].curve.measure;
    test_.words.push_back(format(
        "The coarse sweep's training loss, smoothed without lag, is least at {:.3g}.", edge_));
  }

  void add(std::int64_t seed, const Sweep& plan) {
    SeededSweep made = sweep_with_(seed, plan);
    const bool interrupted = made.curve.interrupted;
    test_.sweeps.push_back({"coarse", made.seed, plan, std::move(made.curve)});
    if (interrupted) throw Interrupted();
  }

  const RangeEnd& range_to(double high) {
    for (const RangeEnd& range : ranges_)
      if (range.high == high) return range;
    RangeEnd& range = ranges_.emplace_back();
    range.high = high;
    Sweep plan = linear_;
    plan.high = high;
    plan.low = options_.low.value_or(high / 100);
    for (std::int64_t seed = 0; seed < options_.seeds; ++seed) {
      range.sweeps.push_back(test_.sweeps.size());
      add(seed, plan);
    }
    range.pooled = pool(curves(range));
    for (const SweepCurve* curve : curves(range))
      range.seed_reaches.push_back(reach_of(pool({curve})));
    for (const SmoothedPoint& point : range.pooled.points)
      range.loss = std::min(range.loss, point.train_loss.value);
    if (smith_in(range).refusal == Suggestion::Refusal::too_few) range.loss = HUGE_VAL;
    return range;
  }
  const RangeEnd& range_to(int k) { return range_to(end_at(k)); }

  void label(const RangeEnd& range) {
    for (std::size_t i = 0; i < range.sweeps.size(); ++i)
      test_.sweeps[range.sweeps[i]].label = range.high == final_high_
                                                ? format("seed {}", i + 1)
                                                : format("seed {}, to {:.2g}", i + 1, range.high);
  }

  // ---- How far to sweep ----

  // A linear sweep to an end that is too low has no fall in it; to one that is too high it starts
  // out too steeply, and reaches less. Wanted: the farthest end of a geometric grid that reaches as
  // much as any, or the first with a fall that the next one confirms. The grid is fixed, so that
  // seeds that differ a little end at the same place.
  void search() {
    int k = static_cast<int>(std::ceil(kGrid * std::log10(kBeyondEdge * edge_)));
    k = lowered(k);
    bool less_beyond = false;
    for (int i = 0; i < kMostMoves; ++i) {
      less_beyond = !as_good(k + kWhole);
      if (less_beyond) break;
      // A fall may be noise; one that the farther sweeps see as well is none.
      const auto seen_beyond = fall_in(k + kWhole);
      if (fall_in(k) && seen_beyond && *seen_beyond < range_to(k).high) break;
      k += kWhole;
    }
    if (less_beyond && as_good(k + 1)) ++k;
    const bool no_fall = smith_in(k).refusal == Suggestion::Refusal::too_low;
    if (less_beyond && no_fall && !any_diverges()) {
      const double best = best_end(k);
      limit_ = kBeyondBest * best;
      k = static_cast<int>(std::lround(kGrid * std::log10(*limit_)));
      range_to(k);
      test_.words.push_back(format("Sweeps that end at {:.2g} learn most.", best));
    }
    test_.words.push_back(
        format("Best held-out {} and training loss of sweeps by where they end: {}.", measured(),
               reaches_text(ranges_)));
    const RangeEnd& range = range_to(k);
    conclude(range, less_beyond ? "and sweeps that go farther reach less" : "");
    if (test_.lr_max && !limit_ && *test_.suggestions[0].lr > kNearEnd * range.high) say_both(k);
  }

  // ---- Answers that hang on little ----

  static double end_at(int k) { return std::pow(10.0, static_cast<double>(k) / kGrid); }
  bool is_known(int k) const {
    return std::any_of(ranges_.begin(), ranges_.end(),
                       [&](const RangeEnd& range) { return range.high == end_at(k); });
  }

  std::optional<CloseCall> close_at(int k) {
    if (smith_in(k).refusal == Suggestion::Refusal::too_few) return std::nullopt;
    return close_call(range_to(k), ranges_);
  }

  // The number is where the sweeps end: says what it would be had the end been chosen otherwise.
  void say_both(int k) {
    int asked = k;
    std::optional<CloseCall> close = close_at(k);
    for (const int farther : {k + 1, k + kWhole})
      if (!close && is_known(farther) && !as_good(farther)) close = close_at(asked = farther);
    if (!close) return;
    const double other = rounded_down(end_at(asked == k ? k - 1 : asked));
    if (other == test_.lr_max) return;
    test_.lr_other = other;
    test_.words.push_back(close_call_text(*close, end_at(asked), other, measure_));
  }

  // Then there is an edge, to which the farthest sweeps that reach as much as any are nearest.
  bool any_diverges() const {
    return std::any_of(test_.sweeps.begin(), test_.sweeps.end(),
                       [](const LabelledSweep& one) { return !after_end(one.curve).empty(); });
  }

  // Where sweeps end that learn most, from `k` on. Accuracy is nearly flat there, and measured on
  // few samples; the training loss averages far more. The least of a parabola through three ends.
  double best_end(int k) {
    for (int i = 0; i < kMostMoves; ++i) {
      const double here = range_to(k).loss;
      if (range_to(k - 1).loss < here) {
        --k;
      } else if (range_to(k + 1).loss < here) {
        ++k;
      } else {
        break;
      }
    }
    const double below = range_to(k - 1).loss - range_to(k).loss;
    const double above = range_to(k + 1).loss - range_to(k).loss;
    const double bend = below + above;
    double aside = bend > 0 ? (below - above) / (2 * bend) : 0;
    if (!std::isfinite(aside)) aside = above > below ? -0.5 : 0.5;  // a cliff on that side
    return range_to(k).high * std::pow(10.0, aside / kGrid);
  }

  // Down from `k` while that reaches more. Where accuracy is flat, either nothing is learnt at such
  // rates, and lower ones show it, or all is learnt already, and they do not.
  int lowered(int k) {
    int best = k;
    int flat_moves = 0;
    for (int i = 0; i < kMostMoves; ++i) {
      const int lower = k - kWhole;
      const bool more = reaches_more(range_to(lower).pooled, range_to(best).pooled);
      if (!more && (!flat(k) || ++flat_moves > kFlatMoves)) break;
      k = lower;
      if (more) best = lower;
    }
    return best;
  }

  // Sweeps that diverge before they say much are not.
  bool as_good(int k) {
    const RangeEnd& range = range_to(k);
    return smith_in(k).refusal != Suggestion::Refusal::too_few &&
           std::none_of(ranges_.begin(), ranges_.end(), [&](const RangeEnd& other) {
             return reaches_more(other.pooled, range.pooled);
           });
  }

  Suggestion smith_in(int k) { return smith_in(range_to(k)); }
  Suggestion smith_in(const RangeEnd& range) const {
    std::string beyond;
    for (const SweepCurve* curve : curves(range))
      if (beyond.empty()) beyond = after_end(*curve);
    return smith_on(range.pooled, beyond);
  }
  bool flat(int k) { return smith_in(k).refusal == Suggestion::Refusal::flat; }
  std::optional<double> fall_in(int k) { return smith_in(k).lr; }

  std::vector<const SweepCurve*> curves(const RangeEnd& range) const {
    std::vector<const SweepCurve*> result;
    for (const std::size_t i : range.sweeps) result.push_back(&test_.sweeps[i].curve);
    return result;
  }

  const char* measured() const { return measure_ == Measure::loss ? "loss" : "accuracy"; }

  // ---- The number ----

  // From the sweeps of one range.
  void conclude(const RangeEnd& range, std::string beyond) {
    final_high_ = range.high;
    test_.linear = test_.sweeps[range.sweeps[0]].plan;
    const std::string known = beyond;
    test_.seed_numbers.clear();
    for (const SweepCurve* curve : curves(range)) {
      const std::string after = known.empty() ? after_end(*curve) : known;
      if (beyond.empty()) beyond = after;
      const Suggestion alone = smith_on(pool({curve}), after);
      if (alone.lr) test_.seed_numbers.push_back(*alone.lr);
    }
    test_.smoothed = range.pooled.points;
    Suggestion smith = smith_on(range.pooled, beyond);
    if (limit_ && smith.lr) {
      smith.lr = limit_;
      smith.reason = format(
          "the held-out {} does not {} along the sweeps; those that end at {:.2g} learn "
          "most, and half as far again they learn nearly as much",
          measured(), measure_ == Measure::loss ? "rise" : "fall", *limit_ / kBeyondBest);
    }
    if (smith.lr && guessing_) refuse_guessing(range, smith);
    std::erase_if(test_.suggestions, [&](const Suggestion& one) { return one.rule == smith.rule; });
    test_.suggestions.insert(test_.suggestions.begin(), smith);
    test_.refused = smith.lr ? "" : smith.reason;
    if (!smith.lr) return;
    test_.lr_max = rounded_down(*smith.lr);
    test_.lr_min = rounded_down(*test_.lr_max / 10);
    test_.uncertain = far_apart(test_, *smith.lr);
  }

  void refuse_guessing(const RangeEnd& range, Suggestion& smith) {
    std::int64_t looks = 0;
    for (const RangeEnd& one : ranges_)
      looks += static_cast<std::int64_t>(one.pooled.points.size());
    const std::string why = no_better_than_guessing(range.pooled, guessing_(), looks);
    if (why.empty()) return;
    smith = {smith.rule, std::nullopt, why, Suggestion::Refusal::guessing};
    test_.seed_numbers.clear();
  }

  const SweepWith& sweep_with_;
  RangeTestOptions options_;
  const std::function<Guessing()>& guessing_;
  RangeTest test_;
  Sweep linear_;
  std::deque<RangeEnd> ranges_;
  double edge_ = 0;
  Measure measure_ = Measure::accuracy;
  std::optional<double> limit_;  // where no sweep falls
  double final_high_ = 0;
};

}  // namespace

RangeTest range_test_over(const SweepWith& sweep_with, const RangeTestOptions& options,
                          const std::function<Guessing()>& guessing) {
  return Procedure(sweep_with, options, guessing).run();
}

RangeTest range_test(const MakeRun& make_run, const RangeTestOptions& options, StopSignal& stop,
                     Observer* progress) {
  RangeTestOptions completed = options;
  if (!options.steps)
    completed.steps = std::clamp(make_run(0).steps.total_steps / 4, kFewestSweepSteps, kMostSteps);
  return range_test_over(
      [&](std::int64_t seed_offset, const Sweep& plan) {
        const Run run = make_run(seed_offset);
        return SeededSweep{static_cast<std::int64_t>(run.options.seed),
                           sweep(run, plan, stop, progress)};
      },
      completed, [&] { return guessing_on(make_run(0), options.held_out); });
}

RangeTest range_test(Experiment& experiment, const OptimizerPlan& optimizer,
                     const MakeSchedule& schedule, const RangeTestOptions& options,
                     Observer* progress) {
  constexpr std::int64_t kFarEpochs = 1 << 20;  // no sweep has so many
  const Run run = experiment.run(optimizer, schedule);
  return range_test(
      [&](std::int64_t seed_offset) {
        Run seeded = run;
        seeded.options.seed += static_cast<std::uint64_t>(seed_offset);
        seeded.train = epochs_from(run.train, kFarEpochs * seed_offset);
        return seeded;
      },
      options, experiment.stop(), progress);
}

}  // namespace onecycle
