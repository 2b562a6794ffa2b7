#include "network/input_format.h"
#include "network/views.h"
#include "nn/ops/mode_scope.h"
#include "train/step/forward.h"

#include <algorithm>
#include <optional>

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

namespace onecycle {

namespace {

constexpr std::int64_t kLargestBatch = 512;

}  // namespace

void forward_all(const Run& run, Source& samples, bool full_precision,
                 const std::function<void(const Batch&)>& take) {
  const std::int64_t rank = run.group->rank();
  const std::int64_t ranks = run.group->size();
  const std::int64_t first = samples.size() * rank / ranks;
  const std::int64_t last = samples.size() * (rank + 1) / ranks;
  const std::int64_t rows = std::min(kLargestBatch, last - first);
  const at::NoGradGuard no_grad;
  const c10::DeviceGuard device(run.compute.device);  // kernels are given its stream alone
  const ModeScope modes(*run.model);
  run.model->eval();
  const bool masters = full_precision && c10::isReducedFloatingType(run.compute.dtype);
  std::optional<Parameters::MasterScope> scope;
  if (masters) scope.emplace(*run.parameters);
  Compute compute = run.compute;
  if (masters) compute.dtype = at::kFloat;
  samples.set_format(input_format(*run.model, compute));
  for (std::int64_t at = first; at < last; at += rows)
    take(samples.in_order(at, std::min(rows, last - at), rows));
}

void add_to(Sums& sums, const Task& task, const at::Tensor& outputs, const Batch& batch) {
  task.add(task.held_out_loss(outputs, batch), outputs, batch, sums);
}

Score evaluate(const Run& run, Source& samples, bool full_precision) {
  Sums sums(run.compute.device);
  forward_all(run, samples, full_precision, [&](const Batch& batch) {
    add_to(sums, *run.task,
           logits_of_views(*run.model, batch.inputs, run.options.tta, run.compute.memory_format),
           batch);
  });
  return score_between({}, sum_over(*run.group, sums.read()), run.task->metrics().size());
}

}  // namespace onecycle
