#include "onecycle/task.h"

#include "onecycle/error.h"

#include "kernels/metrics/metrics.h"
#include "tasks/loss_sums.h"

#include <algorithm>
#include <cstddef>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace onecycle {

void Task::add(const at::Tensor& loss, const at::Tensor& outputs, const Batch& batch,
               Sums& sums) const {
  const at::NoGradGuard no_grad;
  if (sums.words().is_cpu())
    add_loss_on_cpu(loss, batch.valid, sums);
  else
    add_loss_on_device(loss, batch.valid, sums);
  const at::Tensor own = metric_sums(outputs, batch);
  if (!own.defined()) return;
  constexpr std::int64_t kFirst = offsetof(kernels::MetricSums, own) / sizeof(double);
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

at::Tensor Task::training_losses(const at::Tensor& outputs, const Batch& batch) const {
  return sample_losses(outputs, batch);
}

at::Tensor Task::metric_sums(const at::Tensor&, const Batch&) const { return {}; }

}  // namespace onecycle
