#include "tasks/loss_sums.h"

#include "kernels/metrics/metrics.h"

#include <cmath>

#include <ATen/ATen.h>

namespace onecycle {

using kernels::MetricSums;

void add_loss_on_cpu(const at::Tensor& mean, std::int64_t samples, Sums& sums) {
  const double loss = *mean.to(at::kDouble).const_data_ptr<double>();
  MetricSums& all = *sums.data();
  if (all.first_bad < 0 && !std::isfinite(loss)) all.first_bad = all.batches;
  all.loss += loss * static_cast<double>(samples);
  all.samples += static_cast<double>(samples);
  all.batches += 1;
}

void add_loss_on_device(const at::Tensor& mean, std::int64_t samples, Sums& sums) {
  const at::Tensor loss = mean.to(at::kDouble);
  at::Tensor batches = sums.member(&MetricSums::batches);
  at::Tensor first_bad = sums.member(&MetricSums::first_bad);
  first_bad.copy_(
      at::where(first_bad.lt(0).logical_and(loss.isfinite().logical_not()), batches, first_bad));
  sums.member(&MetricSums::loss).add_(loss * samples);
  sums.member(&MetricSums::samples).add_(samples);
  batches.add_(1);
}

}  // namespace onecycle
