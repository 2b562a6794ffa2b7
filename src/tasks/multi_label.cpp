#include "onecycle/error.h"
#include "onecycle/task.h"

#include "core/text/format.h"
#include "tasks/label_scores.h"
#include "tasks/label_smoothing.h"

#include <cmath>
#include <cstddef>
#include <utility>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

class MultiLabel : public Task {
 public:
  MultiLabel(std::int64_t labels, const MultiLabelOptions& options)
      : labels_(labels),
        smoothing_(options.label_smoothing),
        threshold_(std::log(options.threshold / (1 - options.threshold))) {}

  at::Tensor loss(const at::Tensor& logits, const Batch& batch) const override {
    at::Tensor losses = losses_of(logits, batch.targets, batch.valid, smoothing_);
    if (batch.mix) {
      const at::Tensor weight =
          batch.mix->weight.narrow(0, 0, batch.valid).to(losses.scalar_type()).unsqueeze(1);
      losses =
          at::lerp(losses_of(logits, batch.mix->targets, batch.valid, smoothing_), losses, weight);
    }
    return losses.mean();
  }

  at::Tensor held_out_loss(const at::Tensor& logits, const Batch& batch) const override {
    return losses_of(logits, batch.targets, batch.valid, 0).mean();
  }

  at::Tensor sample_losses(const at::Tensor& logits, const Batch& batch) const override {
    return losses_of(logits, batch.targets, batch.valid, 0).mean(1);
  }

  std::optional<TargetKind> targets() const override { return TargetKind::labels; }

  std::vector<Metric> metrics() const override {
    return {{"map", "mAP", /*larger_is_better=*/true, /*is_fraction=*/true},
            {"f1_macro", "F1 macro", /*larger_is_better=*/true, /*is_fraction=*/true},
            {"f1_micro", "F1 micro", /*larger_is_better=*/true, /*is_fraction=*/true}};
  }

  std::vector<double> metric_values(const std::vector<double>& own, std::int64_t samples,
                                    const at::Tensor& rows) const override {
    if (samples == 0) return {NAN, NAN, NAN};
    const double micro = LabelCounts{own[0], own[1], own[2]}.f1();
    if (!rows.defined()) return {NAN, NAN, micro};
    double precision = 0;
    double occurring = 0;
    double f1 = 0;
    for (std::int64_t label = 0; label < labels_; ++label) {
      const LabelColumn column = column_of(rows, label);
      f1 += label_counts(column, threshold_).f1() / static_cast<double>(labels_);
      if (rows.select(1, labels_ + label).sum().item<double>() == 0) continue;
      precision += average_precision(column);
      ++occurring;
    }
    return {occurring == 0 ? NAN : precision / occurring, f1, micro};
  }

  bool keeps_rows() const override { return true; }
  // Logits, which order samples where their sigmoid has come to 1, and targets.
  at::Tensor rows_to_keep(const at::Tensor& logits, const Batch& batch) const override {
    return at::cat({logits.to(at::kFloat), batch.targets.to(at::kFloat)}, 1)
        .narrow(0, 0, batch.valid);
  }

  std::optional<double> guessing_loss() const override { return std::log(2.0); }

 protected:
  at::Tensor metric_sums(const at::Tensor& logits, const Batch& batch) const override {
    // In the numbers of rows_to_keep(), and compared as label_counts() does.
    const at::Tensor scores = logits.narrow(0, 0, batch.valid).to(at::kFloat).to(at::kDouble);
    const at::Tensor said = scores.ge(threshold_);
    const at::Tensor truth = batch.targets.narrow(0, 0, batch.valid).to(at::kBool);
    return at::stack({said.logical_and(truth).sum(), said.logical_and(truth.logical_not()).sum(),
                      said.logical_not().logical_and(truth).sum()})
        .to(at::kDouble);
  }

 private:
  // [valid, labels]
  at::Tensor losses_of(const at::Tensor& logits, const at::Tensor& targets, std::int64_t valid,
                       double smoothing) const {
    for (const auto& [what, tensor] : {std::pair("outputs", &logits), {"targets", &targets}})
      if (tensor->dim() != 2 || tensor->size(1) != labels_ || tensor->size(0) != logits.size(0))
        throw DataError(format("multi_label of {} labels needs {} [samples, {}], got {}", labels_,
                               what, labels_, c10::str(tensor->sizes())));
    at::Tensor wanted = targets.narrow(0, 0, valid).to(logits.scalar_type());
    if (smoothing > 0) wanted = wanted * (1 - smoothing) + smoothing / 2;
    return at::binary_cross_entropy_with_logits(logits.narrow(0, 0, valid), wanted, {}, {},
                                                at::Reduction::None);
  }

  LabelColumn column_of(const at::Tensor& rows, std::int64_t label) const {
    const at::Tensor scores = rows.select(1, label).to(at::kDouble).contiguous();
    const at::Tensor truth = rows.select(1, labels_ + label).contiguous();
    const auto count = static_cast<std::size_t>(rows.size(0));
    LabelColumn column;
    column.scores.assign(scores.const_data_ptr<double>(), scores.const_data_ptr<double>() + count);
    column.truth.assign(truth.const_data_ptr<float>(), truth.const_data_ptr<float>() + count);
    return column;
  }

  std::int64_t labels_;
  double smoothing_;
  double threshold_;  // of logits
};

}  // namespace

std::shared_ptr<const Task> multi_label(std::int64_t labels, const MultiLabelOptions& options) {
  if (labels < 1) throw FieldError("task.name", "multi_label needs at least one label");
  check_label_smoothing(options.label_smoothing);
  if (!(options.threshold > 0 && options.threshold < 1))
    throw FieldError("task.threshold", "must be between 0 and 1");
  return std::make_shared<MultiLabel>(labels, options);
}

}  // namespace onecycle
