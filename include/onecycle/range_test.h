#pragma once

#include "onecycle/trainer.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// The learning-rate range test: L. Smith, arXiv 1506.01186, section 3.3, and 1803.09820, section 4.
namespace onecycle {

enum class SweepShape { exponential, linear };

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
  std::optional<std::pair<double, double>> momentum;
  std::int64_t phase = 0;  // of the run's freezing, which holds all along
  double stop_factor = 4;  // ends it when the causally smoothed loss exceeds this times its best
};

struct SweepPoint {
  std::int64_t step = 0;
  double lr = 0;
  double momentum = 0;
  double train_loss = 0;                // of the step's batch, before its update
  std::optional<double> held_out_loss;  // after its update
  std::optional<double> held_out_accuracy;
};

struct SweepCurve {
  std::vector<SweepPoint> points;
  std::int64_t held_out = 0;  // samples
  std::string stopped;        // why it ended early; empty where it did not
  bool interrupted = false;
};

// Trains the run along the sweep, from where it is, and puts everything back: weights, buffers,
// optimizer, random state, schedule and data are bit-identical afterwards, whatever ended it.
// Momentum goes linearly over the sweep; weight decay, batch, augmentation and precision are the
// run's own, and the weights that its phase `plan.phase` freezes stay frozen. `progress` may watch,
// and `stop` may end it. Throws DataError where held-out samples are asked for and there are none.
SweepCurve sweep(const Run& run, const Sweep& plan, StopSignal& stop, Observer* progress = nullptr);

}  // namespace onecycle
