#pragma once

#include "onecycle/range_test.h"

#include "tuning/rules.h"

#include <functional>

namespace onecycle {

struct RangeTestOptions {
  std::int64_t seeds = 3;
  std::optional<double> low;   // of the linear sweep; empty: a hundredth of its high end
  std::optional<double> high;  // empty: three times where the coarse sweep puts the edge
  std::int64_t coarse_steps = 100;
  // Of a linear sweep; empty: a quarter of the run's, at least 200 and at most 400.
  std::optional<std::int64_t> steps;
  std::int64_t evaluate_every = 10;
  std::int64_t held_out = 1000;
  std::int64_t phase = 0;  // of the runs' freezing
};

struct LabelledSweep {
  std::string label;
  std::int64_t seed = 0;
  Sweep plan;
  SweepCurve curve;
};

// Over seeds: the value is the smoothing of all points together, low and high the smallest and
// largest of the seeds' own.
struct Band {
  double value = 0;
  double low = 0;
  double high = 0;
};
// What a curve is drawn over.
enum class SweepAxis { lr, momentum, step };

struct SmoothedPoint {
  double x = 0;
  Band train_loss, held_out_loss, held_out_accuracy;
};

struct Overlay {
  std::string of;  // those of one kind are drawn together
  std::string label;
  bool best = false;
  SweepAxis axis = SweepAxis::lr;
  double stable_to = 0;      // x of the last step before the loss diverged
  double held_out_loss = 0;  // the lowest smoothed one
  std::vector<SmoothedPoint> smoothed;
};

struct RangeTest {
  std::vector<LabelledSweep> sweeps;
  std::optional<Sweep> linear;          // the sweep that the number is read off
  std::vector<SmoothedPoint> smoothed;  // of those sweeps
  std::vector<Suggestion> suggestions;  // Smith's first, then fastai's on the coarse sweep
  std::vector<double> seed_numbers;     // Smith's rule on each seed alone, where it answers
  std::optional<double> lr_max;         // two significant digits
  std::optional<double> lr_min;         // a tenth
  std::string refused;                  // why there is no number
  // The answers about where learning ends (Smith's, each seed's, where the coarse sweep's training
  // loss is least) differ by more than 10 times.
  bool uncertain = false;
  std::vector<Overlay> overlays;
  std::vector<std::string> words;
};

// Makes a run with a seed; the data is read once by the caller.
using MakeRun = std::function<Run(std::int64_t seed_offset)>;

// The whole test: a coarse exponential sweep to locate the edge, linear sweeps with several seeds,
// the number with its evidence. Ends early, with what there is, where `stop` is interrupted.
RangeTest range_test(const MakeRun& make_run, const RangeTestOptions& options, StopSignal& stop,
                     Observer* progress);

struct SeededSweep {
  std::int64_t seed = 0;  // the run's
  SweepCurve curve;
};
using SweepWith = std::function<SeededSweep(std::int64_t seed_offset, const Sweep& plan)>;

// The same over sweeps made in any way. One that is interrupted ends the test.
RangeTest range_test_over(const SweepWith& sweep_with, const RangeTestOptions& options);

// Pools sweeps of the same plan.
std::vector<SmoothedPoint> smooth(const std::vector<const SweepCurve*>& curves,
                                  SweepAxis axis = SweepAxis::lr);

}  // namespace onecycle
