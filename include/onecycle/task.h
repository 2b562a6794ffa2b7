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

  // Of a training batch: [], the mean over its samples, weighted where total_weight() says so.
  // outputs [B, ...], fp32 or fp64.
  virtual at::Tensor loss(const at::Tensor& outputs, const Batch& batch) const = 0;
  // [], fp64: the sum of the weights of a training batch's samples, positive. A step then divides
  // by the weights of all its samples, however they are shared among passes and ranks. Undefined:
  // every sample counts once.
  virtual at::Tensor total_weight(const Batch& batch) const;
  // Of an evaluation's: without what only trainings have, like label smoothing, mixing or weights.
  virtual at::Tensor held_out_loss(const at::Tensor& outputs, const Batch& batch) const = 0;

  // At most kMostMetrics. The first one names the best checkpoint, unless the loss does.
  virtual std::vector<Metric> metrics() const = 0;
  // Adds a batch to `sums`: its mean loss, [], and what its metrics are made of. Both fp32 or fp64.
  virtual void add(const at::Tensor& loss, const at::Tensor& outputs, const Batch& batch,
                   Sums& sums) const;
  // The metrics of some samples. own: kMostSums, what metric_sums() gave of them, added up; rows:
  // what rows_to_keep() gave of them, in their order; undefined where it was not kept, as in a
  // training. NaN: not known. As it is: the sums divided by the samples.
  virtual std::vector<double> metric_values(const std::vector<double>& own, std::int64_t samples,
                                            const at::Tensor& rows) const;

  // Whether its metrics need every sample of an evaluation: rows_to_keep() then stay in the memory
  // of the host, those of all ranks on each.
  virtual bool keeps_rows() const { return false; }
  // [valid, columns]
  virtual at::Tensor rows_to_keep(const at::Tensor& outputs, const Batch& batch) const;

  // [valid]: the held-out loss of each sample, in the outputs' dtype; undefined where it has none.
  virtual at::Tensor sample_losses(const at::Tensor& outputs, const Batch& batch) const;

  // [valid]: what each sample of a training batch adds to loss(), as train.proxy compares them. As
  // it is: sample_losses().
  virtual at::Tensor training_losses(const at::Tensor& outputs, const Batch& batch) const;

  // What the targets must be; empty: whatever the data has.
  virtual std::optional<TargetKind> targets() const { return std::nullopt; }
  // Numbers that a network gives for a sample with so many classes, labels or values.
  virtual std::int64_t outputs(std::int64_t targets) const { return targets; }
  // What outputs [N, ...] say in the units of the data: probabilities of classes or labels, values.
  // As it is: the sigmoid of outputs for labels, themselves for values, else the softmax over their
  // second dimension; a task of values that leaves targets() empty overrides it.
  virtual at::Tensor predictions(const at::Tensor& outputs) const;

  // The loss of outputs that know nothing, where there is one.
  virtual std::optional<double> guessing_loss() const { return std::nullopt; }
  // Whether losses can fall below 0, as minus the logarithm of a density (in nats) can: then they
  // are compared by differences, else by ratios.
  virtual bool loss_may_be_negative() const { return false; }

 protected:
  // [at most kMostSums], fp64, on the outputs' device: sums over the samples of the batch. For
  // add() as it is.
  virtual at::Tensor metric_sums(const at::Tensor& outputs, const Batch& batch) const;
};

// How a classification is trained.
struct ClassificationOptions {
  double label_smoothing = 0;
  // Of the samples of each class, positive; the loss is their weighted mean, as that of torch's
  // CrossEntropyLoss(weight=...). Empty: all count alike.
  std::vector<double> weights = {};
  // gamma of the focal loss, (1 - p)^gamma times the cross entropy, where p is the probability of
  // the sample's class (arXiv 1708.02002); 0: off.
  double focal_gamma = 0;
};

// Cross entropy of logits [B, classes] with labels [B], and accuracy. Held-out losses are the plain
// cross entropy. Throws FieldError.
std::shared_ptr<const Task> classification(std::int64_t classes, double label_smoothing = 0);
// The same.
std::shared_ptr<const Task> classification(std::int64_t classes,
                                           const ClassificationOptions& options);

// Weights by which every class counts alike: n / (classes * count). Like the next ones they are
// scaled to a mean of 1 over the samples, which changes no gradient; a class without samples has 1.
std::vector<double> balanced_weights(const std::vector<std::int64_t>& counts);
// By the effective number of samples, (1 - beta) / (1 - beta^count) (arXiv 1901.05555).
std::vector<double> effective_number_weights(const std::vector<std::int64_t>& counts, double beta);
// These, scaled like them, those of classes without samples too.
std::vector<double> scaled_weights(std::vector<double> weights,
                                   const std::vector<std::int64_t>& counts);

// Losses of a value, of the error e = output - target.
enum class RegressionLoss {
  mse,          // e^2
  mae,          // |e|
  huber,        // e^2 / 2 up to |e| = delta, then delta (|e| - delta / 2)
  gaussian_nll  // (log v + e^2 / v) / 2 with log v an output too: outputs [B, 2T], means first
};

// What a regression is about.
struct RegressionOptions {
  RegressionLoss loss = RegressionLoss::mse;
  double huber_delta = 1;  // in the units of the targets as they are given to it
  // Mean and std undo what was done to the targets: metrics and predictions are in the units of
  // before; one of each for a value of a sample, std positive. Empty: nothing was.
  TargetStatistics targets = {};
};

// The mean loss over all values of outputs and targets [B, ...] of equal sizes. Metrics: rmse and
// mae over all values; r2, the mean of those of the values of a sample, as scikit-learn's r2_score
// (NaN for more than 84 values a sample, or fewer than two samples). Throws FieldError.
std::shared_ptr<const Task> regression(const RegressionOptions& options = {});

// What a multi-label task is about.
struct MultiLabelOptions {
  double threshold = .5;  // a sample has the labels of at least this probability
  double label_smoothing = 0;
};

// Binary cross entropy of logits [B, labels] with targets [B, labels] of 0 and 1, the mean over
// both. Metrics: map, the mean of scikit-learn's average_precision_score over the labels that
// occur; f1_macro and f1_micro at the threshold. The first two need all scores and targets:
// 8 bytes a sample and label. Throws FieldError; the task DataError for tensors of other sizes.
std::shared_ptr<const Task> multi_label(std::int64_t labels, const MultiLabelOptions& options = {});

}  // namespace onecycle
