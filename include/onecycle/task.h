#pragma once

#include "onecycle/batch.h"
#include "onecycle/data.h"
#include "onecycle/on_device.h"
#include "onecycle/score.h"

#include <memory>
#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

namespace onecycle {

namespace kernels {
struct MetricSums;
}

// Sums of the loss and a task's metrics, which stay on the device until they are read.
using Sums = OnDevice<kernels::MetricSums>;

// What the outputs of a network are worth. Its functions queue work and wait for nothing: a step
// that calls them may be recorded as a graph.
class Task {
 public:
  virtual ~Task() = default;

  // Of a training batch: [], the mean over its samples. outputs [B, ...], fp32 or fp64.
  virtual at::Tensor loss(const at::Tensor& outputs, const Batch& batch) const = 0;
  // Of an evaluation's: without what only trainings have, like label smoothing or mixing.
  virtual at::Tensor held_out_loss(const at::Tensor& outputs, const Batch& batch) const = 0;

  // At most kMostMetrics. The first one names the best checkpoint, unless the loss does.
  virtual std::vector<Metric> metrics() const = 0;
  // Adds a batch to `sums`: its mean loss, [] fp32, and its metrics. outputs fp32.
  virtual void add(const at::Tensor& loss, const at::Tensor& outputs, const Batch& batch,
                   Sums& sums) const;

  // [valid]: the held-out loss of each sample, in the outputs' dtype; undefined where it has none.
  virtual at::Tensor sample_losses(const at::Tensor& outputs, const Batch& batch) const;

  // What the targets must be.
  virtual TargetKind targets() const { return TargetKind::values; }
  // What outputs [N, ...] say in the units of the data: probabilities of classes or labels, values.
  virtual at::Tensor predictions(const at::Tensor& outputs) const { return outputs; }

  // The loss of outputs that know nothing, where there is one.
  virtual std::optional<double> guessing_loss() const { return std::nullopt; }
  // Whether losses can fall below 0, as minus the logarithm of a density (in nats) can: then they
  // are compared by differences, else by ratios.
  virtual bool loss_may_be_negative() const { return false; }

 protected:
  // [metrics().size()], the sums over the samples of the batch. For add() as it is.
  virtual at::Tensor metric_sums(const at::Tensor& outputs, const Batch& batch) const;
};

// Cross entropy of logits [B, classes] with labels [B], and accuracy.
std::shared_ptr<const Task> classification(std::int64_t classes, double label_smoothing = 0);

// The mean squared error over all values of outputs and targets of equal sizes, and the mean
// absolute one.
std::shared_ptr<const Task> regression();

}  // namespace onecycle
