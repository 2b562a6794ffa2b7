#pragma once

#include "onecycle/loader.h"
#include "onecycle/trainer.h"

#include "train/metrics.h"

namespace onecycle {

// One optimizer step: for each micro-batch gather, forward, loss, backward; then the update. Queues
// work and waits for nothing, so that a captured graph of it can take its place without the loop
// knowing.
class Step {
 public:
  explicit Step(Run& run);

  // Step `step` (0-based) of the run.
  void run(std::int64_t step, const Hyper& hyper);

  // Sums over every step so far, micro-batches counted as batches. Waits for the device.
  kernels::MetricSums read() const { return metrics_.read(); }
  void restore(const kernels::MetricSums& sums) { metrics_.write(sums); }

 private:
  void add_gradients(const Batch& batch);
  at::Tensor mean_loss(const at::Tensor& logits, const Batch& batch) const;
  void clip_gradients();

  Run& run_;
  Loader loader_;
  Metrics metrics_;
};

}  // namespace onecycle
