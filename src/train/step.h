#pragma once

#include "onecycle/loader.h"
#include "onecycle/trainer.h"

#include "train/metrics.h"

#include <utility>

namespace onecycle {

// One optimizer step: for each micro-batch gather, forward, loss, backward; then the update. Queues
// work and waits for nothing, so that a captured graph of it can take its place without the loop
// knowing. The ranks share the step's samples: together they see the same ones in the same step
// whatever their number.
class Step {
 public:
  explicit Step(Run& run);

  // Before the first step, and again once other weights take gradients.
  void weights_changed();
  // Step `step` (0-based) of the run.
  void run(std::int64_t step, const Hyper& hyper);

  // Sums over every step so far and all ranks, micro-batches counted as batches. Waits for the
  // device.
  kernels::MetricSums read() const;
  void restore(const kernels::MetricSums& sums);

 private:
  Batch batch_of(std::int64_t epoch, std::int64_t first, std::int64_t count);
  void add_gradients(const Batch& batch);
  std::pair<at::Tensor, at::Tensor> forward(const Batch& batch);  // logits and loss
  void backward(const at::Tensor& loss, const Batch& batch);
  at::Tensor mean_loss(const at::Tensor& logits, const Batch& batch) const;
  void clip_gradients();

  Run& run_;
  Loader loader_;
  Metrics metrics_;
  std::unique_ptr<GradientReduction> reduction_;
};

}  // namespace onecycle
