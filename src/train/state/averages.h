#pragma once

#include "onecycle/fit_options.h"
#include "onecycle/on_device.h"
#include "onecycle/optimizer.h"

#include "kernels/update/averages.h"
#include "network/weights.h"

#include <cstdint>
#include <string>
#include <vector>

namespace onecycle {

// What an average over a run keeps of a model: its averaged tensors, live, and a copy of each.
struct TensorCopies {
  explicit TensorCopies(const Parameters& parameters);

  TensorsByName by_name() const;  // the copies, live
  // Queues what `numbers` says at the time; a narrow weight follows its master. Does not wait for
  // the device.
  void queue(const OnDevice<kernels::AverageNumbers>& numbers);
  at::Device device() const { return live.empty() ? at::Device(at::kCPU) : live[0].device(); }

  std::vector<std::string> names;
  std::vector<at::Tensor> live;
  std::vector<at::Tensor> copies;
  std::vector<at::Tensor> narrow;  // working weights that are copies of `live`, or undefined
};

// An exponential moving average of the weights and of the norms' statistics:
// average <- d average + (1 - d) weight, d = min(decay, (1 + t) / (10 + t)) at update t (0-based),
// so that a short run's average is not held back by the random start (TensorFlow's
// ExponentialMovingAverage with num_updates).
class WeightAverage {
 public:
  WeightAverage(Parameters& parameters, double decay);

  // Before update `step`: what queue() will do. Does not wait for the device.
  void write(std::int64_t step);
  // After the update, in a recorded step too.
  void queue() { tensors_.queue(numbers_); }

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
  OnDevice<kernels::AverageNumbers> numbers_;
};

// Lookahead (Zhang et al. 2019, arXiv 1907.08610) over the weights and the norms' statistics. After
// every k-th step t of T: kept <- s kept + (1 - s) weight, weight <- kept, s = keep (t / T)^power;
// after the last step weight <- kept. K. Jordan's airbench has keep .95^5 and power 3, the paper
// keep .5 and power 0.
class Lookahead {
 public:
  Lookahead(const Parameters& parameters, const LookaheadOptions& options,
            std::int64_t total_steps);

  // Before the step that makes them `steps` steps of the run: what queue() will do. Does not wait
  // for the device.
  void write(std::int64_t steps);
  // After the update, in a recorded step too.
  void queue() { tensors_.queue(numbers_); }

  // What is kept, live, by name.
  TensorsByName tensors() const { return tensors_.by_name(); }

 private:
  LookaheadOptions options_;
  std::int64_t total_steps_;
  TensorCopies tensors_;
  OnDevice<kernels::AverageNumbers> numbers_;
};

}  // namespace onecycle
