#pragma once

#include "onecycle/score.h"

#include "kernels/scalar_type.h"

#include <cstdint>

namespace onecycle::kernels {

// Running sums of a training or an evaluation; lives where the step runs and is read by the host
// only when it asks. Cumulative: a window is the difference of two readings.
struct MetricSums {
  double loss = 0;     // sum over samples, of weighted losses where samples have weights
  double samples = 0;  // counts are exact up to 2^53
  double batches = 0;
  double first_bad = -1;       // first batch (0-based) whose loss is not finite; -1: none
  double own[kMostSums] = {};  // the task's, over samples
  double weight = 0;           // of the samples; 0 where they have no weights: each counts once
};

// A batch's mean loss, fp32 or fp64, which lies where the step runs.
struct MeanLoss {
  MeanLoss(const float* loss) : place(loss), type(ScalarType::f32) {}
  MeanLoss(const double* loss) : place(loss), type(ScalarType::f64) {}

  const void* place;
  ScalarType type;
};

// Adds one batch of a classification, whose metric is the number of samples with the largest logit
// at their label: logits [num_samples, num_classes] row-major, labels [num_samples] (negative:
// ignored), `mean_loss` the mean over the samples that count. The CPU takes one thread.
void add_metrics_cpu(MetricSums* sums, MeanLoss mean_loss, const float* logits,
                     const std::int64_t* labels, std::int64_t num_samples,
                     std::int64_t num_classes);
void add_metrics_cuda(MetricSums* sums, MeanLoss mean_loss, const float* logits,
                      const std::int64_t* labels, std::int64_t num_samples,
                      std::int64_t num_classes, void* stream);

}  // namespace onecycle::kernels
