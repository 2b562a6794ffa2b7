#pragma once

#include "onecycle/loader.h"
#include "onecycle/trainer.h"

#include "train/metrics.h"

namespace onecycle {

// One optimizer step: forward, loss, backward, update. Queues work and waits for nothing, so that a
// captured graph of it can take its place without the loop knowing.
class Step {
 public:
  explicit Step(Run& run);

  void run(const Batch& batch, const Hyper& hyper);

  // Sums over every step so far. Waits for the device.
  kernels::MetricSums read() const { return metrics_.read(); }

 private:
  Model& model_;
  Optimizer& optimizer_;
  double label_smoothing_;
  Metrics metrics_;
};

}  // namespace onecycle
