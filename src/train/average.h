#pragma once

#include "onecycle/optimizer.h"

#include "train/tensor_copies.h"

#include <cstdint>
#include <vector>

namespace onecycle {

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

}  // namespace onecycle
