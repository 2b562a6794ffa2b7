#include "onecycle/task.h"

#include "onecycle/error.h"

#include "kernels/metrics.h"

#include <ATen/ATen.h>

namespace onecycle {

// kernels::MetricSums by its fields: loss, samples, batches, first_bad, metrics.
void Task::add(const at::Tensor& loss, const at::Tensor& outputs, const Batch& batch,
               at::Tensor& sums) const {
  const at::NoGradGuard no_grad;
  const at::Tensor mean = loss.to(at::kDouble);
  at::Tensor batches = sums.select(0, 2);
  at::Tensor first_bad = sums.select(0, 3);
  first_bad.copy_(
      at::where(first_bad.lt(0).logical_and(mean.isfinite().logical_not()), batches, first_bad));
  sums.select(0, 0).add_(mean * batch.valid);
  sums.select(0, 1).add_(batch.valid);
  batches.add_(1);
  const at::Tensor own = metric_sums(outputs, batch);
  if (own.defined()) sums.narrow(0, 4, own.size(0)).add_(own);
}

at::Tensor Task::metric_sums(const at::Tensor&, const Batch&) const { return {}; }

}  // namespace onecycle
