#include "onecycle/task.h"

#include "onecycle/error.h"

#include "kernels/metrics/metrics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

using kernels::MetricSums;

void add_on_cpu(double mean, std::int64_t samples, MetricSums& sums) {
  if (sums.first_bad < 0 && !std::isfinite(mean)) sums.first_bad = sums.batches;
  sums.loss += mean * static_cast<double>(samples);
  sums.samples += static_cast<double>(samples);
  sums.batches += 1;
}

// Without waiting for the device.
void add_on_device(const at::Tensor& mean, std::int64_t samples, Sums& sums) {
  at::Tensor batches = sums.member(&MetricSums::batches);
  at::Tensor first_bad = sums.member(&MetricSums::first_bad);
  first_bad.copy_(
      at::where(first_bad.lt(0).logical_and(mean.isfinite().logical_not()), batches, first_bad));
  sums.member(&MetricSums::loss).add_(mean * samples);
  sums.member(&MetricSums::samples).add_(samples);
  batches.add_(1);
}

}  // namespace

void Task::add(const at::Tensor& loss, const at::Tensor& outputs, const Batch& batch,
               Sums& sums) const {
  const at::NoGradGuard no_grad;
  if (sums.words().is_cpu())
    add_on_cpu(loss.item<double>(), batch.valid, *sums.data());
  else
    add_on_device(loss.to(at::kDouble), batch.valid, sums);
  const at::Tensor own = metric_sums(outputs, batch);
  if (!own.defined()) return;
  constexpr std::int64_t kFirst = offsetof(MetricSums, own) / sizeof(double);
  sums.words().narrow(0, kFirst, own.size(0)).add_(own);
}

at::Tensor Task::total_weight(const Batch&) const { return {}; }

at::Tensor Task::predictions(const at::Tensor& outputs) const {
  switch (targets().value_or(TargetKind::classes)) {
    case TargetKind::values:
      return outputs;
    case TargetKind::labels:
      return at::sigmoid(outputs);
    case TargetKind::classes:
      break;
  }
  return at::softmax(outputs, 1);
}

std::vector<double> Task::metric_values(const std::vector<double>& own, std::int64_t samples,
                                        const at::Tensor&) const {
  std::vector<double> values(own.begin(),
                             own.begin() + static_cast<std::ptrdiff_t>(metrics().size()));
  for (double& value : values) value /= static_cast<double>(std::max<std::int64_t>(1, samples));
  return values;
}

at::Tensor Task::rows_to_keep(const at::Tensor&, const Batch&) const { return {}; }

at::Tensor Task::sample_losses(const at::Tensor&, const Batch&) const { return {}; }

at::Tensor Task::metric_sums(const at::Tensor&, const Batch&) const { return {}; }

}  // namespace onecycle
