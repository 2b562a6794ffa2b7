#pragma once

#include "onecycle/events.h"
#include "onecycle/group.h"

#include "kernels/metrics.h"

#include <ATen/core/Tensor.h>

namespace onecycle {

// Sums of loss and accuracy that stay on the device until they are read.
class Metrics {
 public:
  explicit Metrics(at::Device device);

  // mean_loss: [] fp32 on the device; logits [N, classes] fp32; labels [N]. Does not wait.
  void add(const at::Tensor& mean_loss, const at::Tensor& logits, const at::Tensor& labels);

  const at::Tensor& bytes() const { return sums_; }  // of one MetricSums, on the device

  // Both wait for the device.
  kernels::MetricSums read() const;
  void write(const kernels::MetricSums& sums);

 private:
  at::Tensor sums_;  // the bytes of one MetricSums
};

// Of all ranks, which each took as many batches.
kernels::MetricSums sum_over(Group& group, const kernels::MetricSums& own);

// The score of what came between two readings.
Score score_between(const kernels::MetricSums& before, const kernels::MetricSums& after);

}  // namespace onecycle
