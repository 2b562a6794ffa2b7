#include "network/views.h"
#include "nn/ops/mode_scope.h"
#include "train/step/forward.h"
#include "train/step/sample_losses.h"

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
  samples.set_format(
      {run.compute.device, masters ? at::kFloat : run.compute.dtype, run.compute.memory_format});
  for (std::int64_t at = first; at < last; at += rows)
    take(samples.in_order(at, std::min(rows, last - at), rows));
}

void add_to(Sums& sums, const Task& task, const at::Tensor& outputs, const Batch& batch) {
  task.add(task.held_out_loss(outputs, batch), outputs, batch, sums);
}

namespace {

Score evaluate_with(const Run& run, Source& samples, bool full_precision, SampleLosses* losses) {
  Sums sums(run.compute.device);
  forward_all(run, samples, full_precision, [&](const Batch& batch) {
    const at::Tensor outputs =
        logits_of_views(*run.model, batch.inputs, run.options.tta, run.compute.memory_format);
    add_to(sums, *run.task, outputs, batch);
    if (losses != nullptr) losses->add(*run.task, outputs, batch);
  });
  return score_between({}, sum_over(*run.group, sums.read()), run.task->metrics().size());
}

}  // namespace

Score evaluate(const Run& run, Source& samples, bool full_precision) {
  return evaluate_with(run, samples, full_precision, nullptr);
}

Score evaluate(const Run& run, Source& samples, bool full_precision, std::vector<float>& losses) {
  SampleLosses own;
  const Score score = evaluate_with(run, samples, full_precision, &own);
  losses = own.of_all(*run.group);
  return score;
}

}  // namespace onecycle
