#include "network/input_format.h"
#include "network/views.h"
#include "nn/ops/mode_scope.h"
#include "train/step/forward.h"
#include "train/step/sample_losses.h"

#include <algorithm>
#include <optional>
#include <string>

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

void Evaluation::add(const at::Tensor& outputs, const Batch& batch) {
  run_.task->add(run_.task->held_out_loss(outputs, batch), outputs, batch, sums_);
  if (run_.task->keeps_rows()) kept_.push_back(run_.task->rows_to_keep(outputs, batch).cpu());
}

Score Evaluation::score() {
  const kernels::MetricSums sums = sum_over(*run_.group, sums_.read());
  const at::Tensor kept = run_.task->keeps_rows() ? all_rows(*run_.group, kept_) : at::Tensor();
  return score_between({}, sums, *run_.task, kept);
}

at::Tensor all_rows(Group& group, const std::vector<at::Tensor>& own) {
  at::Tensor rows;
  if (!own.empty()) rows = at::cat(own).cpu().contiguous();
  if (group.size() == 1) return rows;
  double columns = 0;
  double type = 0;
  for (const auto& one :
       group.all_gather({rows.defined() ? static_cast<double>(rows.size(1)) : 0,
                         rows.defined() ? static_cast<double>(rows.scalar_type()) : 0})) {
    columns = std::max(columns, one[0]);
    type = std::max(type, one[1]);
  }
  const std::string bytes =
      rows.defined() ? std::string(static_cast<const char*>(rows.const_data_ptr()), rows.nbytes())
                     : "";
  std::vector<at::Tensor> parts;
  for (std::string& part : group.all_gather_bytes(bytes)) {
    if (part.empty()) continue;
    const auto dtype = static_cast<at::ScalarType>(static_cast<int>(type));
    const auto row = static_cast<std::int64_t>(columns);
    const auto size = static_cast<std::int64_t>(part.size() / c10::elementSize(dtype));
    parts.push_back(at::from_blob(part.data(), {size / row, row}, dtype).clone());
  }
  return parts.empty() ? at::Tensor() : at::cat(parts);
}

namespace {

Score evaluate_with(const Run& run, Source& samples, bool full_precision, SampleLosses* losses) {
  Evaluation evaluation(run);
  forward_all(run, samples, full_precision, [&](const Batch& batch) {
    const at::Tensor outputs =
        logits_of_views(*run.model, batch.inputs, run.options.tta, run.compute.memory_format);
    evaluation.add(outputs, batch);
    if (losses != nullptr) losses->add(*run.task, outputs, batch);
  });
  return evaluation.score();
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
