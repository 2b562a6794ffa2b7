#pragma once

#include "onecycle/experiment.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// The learning-rate range test: L. Smith, arXiv 1506.01186, section 3.3, and 1803.09820, section 4.
namespace onecycle {

// How the rate goes up.
enum class SweepShape { exponential, linear };

// What held-out samples are judged by: their accuracy where the task predicts classes and its first
// metric is one, a share of the samples; else their loss.
enum class Measure { accuracy, loss };

// One sweep of the learning rate, from `low` at its first step to `high` at its last.
struct Sweep {
  SweepShape shape = SweepShape::exponential;
  double low = 1e-6;
  double high = 10;
  std::int64_t steps = 100;
  std::int64_t evaluate_every = 10;  // steps between two looks at the held-out samples; 0: none
  std::int64_t held_out = 1000;      // the first samples of the validation part, at most
  // From the first step to the last; empty: from the schedule's value at its start to that at its
  // peak.
  std::optional<std::pair<double, double>> momentum = {};
  std::int64_t phase = 0;  // of the run's freezing, which holds all along
  // Ends it when the causally smoothed training loss is so many times as bad as its best; where
  // losses may be negative, when it is above it by this less 1 times what was gained since the
  // first, at least one nat.
  double stop_factor = 4;
};

// What was seen at a step of a sweep.
struct SweepPoint {
  std::int64_t step = 0;
  double lr = 0;
  double momentum = 0;
  double train_loss = 0;                  // of the step's batch, before its update
  std::optional<double> held_out_loss;    // after its update
  std::optional<double> held_out_metric;  // the task's first
  // Of each held-out sample, in order, where the task has them.
  std::vector<float> sample_losses = {};
};

// What was seen along a sweep.
struct SweepCurve {
  std::vector<SweepPoint> points;
  std::int64_t held_out = 0;  // samples
  Measure measure = Measure::accuracy;
  std::string stopped;  // why it ended early; empty where it did not
  bool interrupted = false;
  std::vector<Metric> metrics = {};   // the task's; the first is the points' held_out_metric
  bool loss_may_be_negative = false;  // the task's
};

// Trains the run along the sweep, from where it is, and puts everything back: weights, buffers,
// optimizer, random state, schedule and data are bit-identical afterwards, whatever ended it.
// Momentum goes linearly over the sweep; weight decay, batch, augmentation and precision are the
// run's own, and the weights that its phase `plan.phase` freezes stay frozen. `progress` may watch,
// and `stop` may end it. Throws DataError where held-out samples are asked for and there are none.
SweepCurve sweep(const Run& run, const Sweep& plan, StopSignal& stop, Observer* progress = nullptr);

// What a rule reads off the curves.
struct Suggestion {
  std::string rule;
  std::optional<double> lr;  // nothing: refused
  std::string reason;        // what was seen
  // Why there is no rate; too_low: the rates end before any fall; guessing: what is reached is what
  // chance explains.
  enum class Refusal { none, too_few, flat, too_low, guessing };
  Refusal refusal = Refusal::none;
};

// How long the test is, and where it looks.
struct RangeTestOptions {
  std::int64_t seeds = 3;
  std::optional<double> low = {};   // of the linear sweep; empty: a hundredth of its high end
  std::optional<double> high = {};  // empty: three times where the coarse sweep puts the edge
  std::int64_t coarse_steps = 100;
  // Of a linear sweep; empty: a quarter of the run's, at least 200 and at most 400.
  std::optional<std::int64_t> steps = {};
  std::int64_t evaluate_every = 10;
  std::int64_t held_out = 1000;
  std::int64_t phase = 0;  // of the runs' freezing
};

// A sweep of the test.
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

// The sweeps of all seeds at one rate, momentum or step.
struct SmoothedPoint {
  double x = 0;
  Band train_loss;
  Band held_out_loss;
  Band held_out_metric;
  // Of the difference of what the test is judged by from its best up to here, as Smith's rule used
  // it; only in RangeTest::smoothed.
  std::optional<double> standard_error = {};
};

// A further sweep, with another setting, drawn with its like.
struct Overlay {
  std::string of;  // those of one kind are drawn together
  std::string label;
  bool best = false;
  SweepAxis axis = SweepAxis::lr;
  double stable_to = 0;      // x of the last step before the loss diverged
  double held_out_loss = 0;  // the lowest smoothed one
  std::vector<SmoothedPoint> smoothed;
};

// The answer, and all that it rests on.
struct RangeTest {
  std::vector<LabelledSweep> sweeps;
  std::optional<Sweep> linear;          // the sweep that the number is read off
  std::vector<SmoothedPoint> smoothed;  // of those sweeps
  std::vector<Suggestion> suggestions;  // Smith's first, then fastai's on the coarse sweep
  std::vector<double> seed_numbers;     // Smith's rule on each seed alone, where it answers
  std::optional<double> lr_max;         // two significant digits
  std::optional<double> lr_min;         // a tenth
  // What lr_max would be had the choice of where sweeps end, which hung on less than the standard
  // error over the seeds, gone the other way; empty: it did not.
  std::optional<double> lr_other;
  std::string refused;  // why there is no number
  // The answers about where learning ends (Smith's, each seed's, where the coarse sweep's training
  // loss is least) differ by more than 10 times.
  bool uncertain = false;
  std::vector<Overlay> overlays;
  std::vector<std::string> words;  // what was found on the way, in sentences
};

// Makes a run with a seed; the data is read once by the caller.
using MakeRun = std::function<Run(std::int64_t seed_offset)>;

// The whole test: a coarse exponential sweep to locate the edge, linear sweeps with several seeds,
// the number with its evidence. Ends early, with what there is, where `stop` is interrupted. Throws
// as sweep(), and Error where losses may be negative, or are, and the task has no sample_losses().
RangeTest range_test(const MakeRun& make_run, const RangeTestOptions& options, StopSignal& stop,
                     Observer* progress);

// The same for an experiment, whose weights are where all sweeps begin: what differs by the seed is
// the order of the samples, and dropout. Weights, buffers and the generators of all devices are
// bit-identical afterwards. Momentum follows the schedule from its start to its peak, one cycle's
// where none is given.
RangeTest range_test(Experiment& experiment, const OptimizerPlan& optimizer,
                     const MakeSchedule& schedule, const RangeTestOptions& options = {},
                     Observer* progress = nullptr);
template <class O, class S>
RangeTest range_test(Experiment& experiment, const O& optimizer, const S& schedule,
                     const RangeTestOptions& options = {}, Observer* progress = nullptr) {
  return range_test(experiment, plan_of(optimizer), making(schedule), options, progress);
}
template <class O>
RangeTest range_test(Experiment& experiment, const O& optimizer,
                     const RangeTestOptions& options = {}, Observer* progress = nullptr) {
  return range_test(experiment, optimizer, OneCycle{.lr_max = 1}, options, progress);
}

}  // namespace onecycle
