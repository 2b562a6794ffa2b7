#pragma once

#include "onecycle/fit_options.h"
#include "onecycle/optimizer.h"

#include "network/weights.h"

#include <cstdint>
#include <string>
#include <vector>

namespace onecycle {

// What an average over a run keeps of a model: its averaged tensors, live, and a copy of each.
struct TensorCopies {
  explicit TensorCopies(const Parameters& parameters);

  TensorsByName by_name() const;  // the copies, live

  std::vector<std::string> names;
  std::vector<at::Tensor> live;
  std::vector<at::Tensor> copies;
};

// An exponential moving average of the weights and of the norms' statistics:
// average <- d average + (1 - d) weight, d = min(decay, (1 + t) / (10 + t)) at update t (0-based),
// so that a short run's average is not held back by the random start (TensorFlow's
// ExponentialMovingAverage with num_updates).
class WeightAverage {
 public:
  WeightAverage(Parameters& parameters, double decay);

  // After update `step`. Does not wait for the device.
  void add(std::int64_t step);

  // Live, by name.
  TensorsByName tensors() const { return tensors_.by_name(); }

  // Calls `function`, while the model computes with the averages: as masters, and in its own
  // precision.
  template <class Function>
  void stand_in_for(const Function& function) {
    swap();
    try {
      function();
    } catch (...) {
      swap();
      throw;
    }
    swap();
  }

 private:
  void swap();

  Parameters& parameters_;
  double decay_;
  TensorCopies tensors_;
};

// Lookahead (Zhang et al. 2019, arXiv 1907.08610) over the weights and the norms' statistics. After
// every k-th step t of T: kept <- s kept + (1 - s) weight, weight <- kept, s = keep (t / T)^power;
// after the last step weight <- kept. K. Jordan's airbench has keep .95^5 and power 3, the paper
// keep .5 and power 0.
class Lookahead {
 public:
  Lookahead(Parameters& parameters, const LookaheadOptions& options, std::int64_t total_steps);

  // After `steps` steps of the run. Does not wait for the device.
  void after(std::int64_t steps);

  // What is kept, live, by name.
  TensorsByName tensors() const { return tensors_.by_name(); }

 private:
  Parameters& parameters_;
  LookaheadOptions options_;
  std::int64_t total_steps_;
  TensorCopies tensors_;
};

}  // namespace onecycle
