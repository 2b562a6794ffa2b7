#include "onecycle/task.h"

#include "onecycle/error.h"

#include "kernels/metrics/metrics.h"

#include <cstddef>

#include <ATen/ATen.h>

namespace onecycle {

void Task::add(const at::Tensor& loss, const at::Tensor& outputs, const Batch& batch,
               Sums& sums) const {
  using kernels::MetricSums;
  const at::NoGradGuard no_grad;
  const at::Tensor mean = loss.to(at::kDouble);
  at::Tensor batches = sums.member(&MetricSums::batches);
  at::Tensor first_bad = sums.member(&MetricSums::first_bad);
  first_bad.copy_(
      at::where(first_bad.lt(0).logical_and(mean.isfinite().logical_not()), batches, first_bad));
  sums.member(&MetricSums::loss).add_(mean * batch.valid);
  sums.member(&MetricSums::samples).add_(batch.valid);
  batches.add_(1);
  const at::Tensor own = metric_sums(outputs, batch);
  if (!own.defined()) return;
  constexpr std::int64_t kFirst = offsetof(MetricSums, metrics) / sizeof(double);
  sums.words().narrow(0, kFirst, own.size(0)).add_(own);
}

at::Tensor Task::metric_sums(const at::Tensor&, const Batch&) const { return {}; }

}  // namespace onecycle
