#pragma once

#include "onecycle/events.h"
#include "onecycle/group.h"

#include "kernels/metrics.h"

#include <ATen/core/Tensor.h>

namespace onecycle {

// Sums of the loss and a task's metrics, which stay on the device until they are read.
class Sums {
 public:
  explicit Sums(at::Device device);

  // A kernels::MetricSums as float64 by its fields, on the device.
  at::Tensor& tensor() { return values_; }

  // Both wait for the device.
  kernels::MetricSums read() const;
  void write(const kernels::MetricSums& sums);

 private:
  at::Tensor values_;
};

// Of all ranks, which each took as many batches.
kernels::MetricSums sum_over(Group& group, const kernels::MetricSums& own);

// The score of what came between two readings, of a task with so many metrics.
Score score_between(const kernels::MetricSums& before, const kernels::MetricSums& after,
                    std::size_t metrics);

}  // namespace onecycle
