#pragma once

#include "onecycle/trainer.h"

#include "kernels/update/loss_scale.h"
#include "nn/layers/batch_norm.h"
#include "train/step/step_graph.h"
#include "train/step/sums.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace onecycle {

// One optimizer step: for each micro-batch gather, forward, loss, backward; then the update. Queues
// work and waits for nothing; on a GPU it becomes one graph after some steps. The ranks share the
// step's samples: together they see the same ones in the same step whatever their number.
class Step {
 public:
  // `warn` is told, once, where the step cannot be a graph. `after_update` queues what belongs to a
  // step behind its update, and is recorded with it.
  Step(const Run& run, std::function<void(const std::string&)> warn,
       std::function<void()> after_update);
  // With another recorder than the device's; null: it stays a sequence.
  Step(const Run& run, std::function<void(const std::string&)> warn,
       std::function<void()> after_update, std::unique_ptr<GraphRecorder> recorder);
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

  // Before the first step, and again once other weights take gradients.
  void weights_changed();
  // Step `step` (0-based) of the run.
  void run(std::int64_t step, const Hyper& hyper);

  // Of work beside the step's, in its memory: GraphRecorder::beside(). Null where the step is no
  // graph at the time.
  std::unique_ptr<GraphRecorder> recorder_beside() { return graph_.beside(); }

  // Sums over every step so far and all ranks, micro-batches counted as batches. Waits for the
  // device.
  kernels::MetricSums read();
  // With fp16, as last read.
  const std::optional<kernels::LossScale>& scale() const { return scale_; }
  void restore(const kernels::MetricSums& sums, const std::optional<kernels::LossScale>& scale);

 private:
  void queue();
  void start_over();
  Batch batch_of(std::int64_t first, std::int64_t count);
  // Of a pass of a rank: `part` counts over both.
  void add_gradients(Batch batch, std::int64_t part);
  // Outputs and loss; of a proxy those of the hardest samples, to which it narrows the batch.
  std::pair<at::Tensor, at::Tensor> forward(Batch& batch, std::int64_t part);
  // total_weight: the task's, of the batch
  void backward(const at::Tensor& loss, const Batch& batch, const at::Tensor& total_weight);
  void divide_by_weight();
  void clip_gradients();

  const Run& run_;
  const StatisticsPass::Norms grouped_norms_;
  std::function<void()> after_update_;
  Sums sums_;
  at::Tensor weight_;  // of the step's samples on this rank so far, where the task weighs them
  std::optional<kernels::LossScale> scale_;
  std::unique_ptr<GradientReduction> reduction_;
  StepGraph graph_;
};

}  // namespace onecycle
