#include "network/input_format.h"
#include "nn/ops/mode_scope.h"
#include "train/step/forward.h"
#include "train/step/sample_losses.h"
#include "train/view_passes.h"

#include <algorithm>
#include <optional>
#include <string>

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

namespace onecycle {

namespace {

constexpr std::int64_t kLargestBatch = 512;

// The model and its samples as evaluations take them.
class EvaluationScope {
 public:
  EvaluationScope(const Run& run, Source& samples, bool full_precision)
      : device_(run.compute.device), modes_(*run.model) {
    run.model->eval();
    Compute compute = run.compute;
    if (full_precision && c10::isReducedFloatingType(compute.dtype)) {
      masters_.emplace(*run.parameters);
      compute.dtype = at::kFloat;
    }
    samples.set_format(input_format(*run.model, compute));
  }

 private:
  at::NoGradGuard no_grad_;
  c10::DeviceGuard device_;  // kernels are given its stream alone
  ModeScope modes_;
  std::optional<Parameters::MasterScope> masters_;
};

}  // namespace

RankPart part_of(const Group& group, std::int64_t samples) {
  return {samples * group.rank() / group.size(), samples * (group.rank() + 1) / group.size()};
}

void forward_all(const Run& run, Source& samples, bool full_precision,
                 const std::function<void(const Batch&)>& take) {
  const auto [first, last] = part_of(*run.group, samples.size());
  const std::int64_t rows = std::min(kLargestBatch, last - first);
  const EvaluationScope scope(run, samples, full_precision);
  for (std::int64_t at = first; at < last; at += rows)
    take(samples.in_order(at, std::min(rows, last - at), rows));
}

void forward_chosen(const Run& run, Source& samples, const at::Tensor& chosen, bool full_precision,
                    const std::function<void(const Batch&, const at::Tensor&)>& take) {
  const EvaluationScope scope(run, samples, full_precision);
  for (const at::Tensor& some : chosen.to(run.compute.device).split(kLargestBatch))
    if (some.numel() > 0) take(samples.chosen(some), some);
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

Score evaluate_by(const Run& run, Source& samples, bool full_precision, EvaluationGraph* graph,
                  std::vector<float>* losses) {
  if (full_precision && c10::isReducedFloatingType(run.compute.dtype))
    graph = nullptr;  // once in a run, and masters stand where it reads
  Evaluation evaluation(run);
  SampleLosses own;
  PredictOptions options;
  options.augmentation = run.options.tta;
  options.share = run.options.tta_share;
  options.full_precision = full_precision;
  const auto take = [&](const at::Tensor& outputs, const Batch& batch) {
    evaluation.add(outputs, batch);
    if (losses != nullptr) own.add(*run.task, outputs, batch);
  };
  outputs_of_all(run, samples, options, take, graph);
  const Score score = evaluation.score();
  if (losses != nullptr) *losses = own.of_all(*run.group);
  return score;
}

Score evaluate(const Run& run, Source& samples, bool full_precision) {
  return evaluate_by(run, samples, full_precision, nullptr, nullptr);
}

Score evaluate(const Run& run, Source& samples, bool full_precision, std::vector<float>& losses) {
  return evaluate_by(run, samples, full_precision, nullptr, &losses);
}

}  // namespace onecycle
