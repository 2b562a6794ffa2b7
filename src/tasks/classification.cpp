#include "onecycle/error.h"
#include "onecycle/task.h"

#include "core/text/format.h"
#include "kernels/metrics/metrics.h"
#include "tasks/device_constant.h"
#include "tasks/label_smoothing.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

class Classification : public Task {
 public:
  Classification(std::int64_t classes, const ClassificationOptions& options)
      : classes_(classes), options_(options), weights_(options.weights) {}

  at::Tensor loss(const at::Tensor& logits, const Batch& batch) const override {
    const bool plain = weights_.empty() && options_.focal_gamma == 0;
    if (!batch.mix && plain)
      return cross_entropy(logits, batch.targets, at::Reduction::Mean, options_.label_smoothing);
    const at::Tensor losses = mixed_losses(logits, batch);
    if (plain) return losses.mean();
    const at::Tensor sum = losses.narrow(0, 0, batch.valid).sum();
    if (weights_.empty()) return sum / batch.valid;
    return sum / total_weight(batch).to(sum.scalar_type());
  }

  at::Tensor total_weight(const Batch& batch) const override {
    if (weights_.empty()) return {};
    const at::Tensor weights = weights_.like(batch.targets, at::kDouble);
    const auto of_samples = [&](const at::Tensor& labels) {
      return weights.index_select(0, labels.clamp_min(0)) * labels.ge(0);
    };
    return blended(weights, batch, of_samples).narrow(0, 0, batch.valid).sum();
  }

  at::Tensor held_out_loss(const at::Tensor& logits, const Batch& batch) const override {
    return cross_entropy(logits, batch.targets, at::Reduction::Mean, 0);
  }

  at::Tensor sample_losses(const at::Tensor& logits, const Batch& batch) const override {
    return cross_entropy(logits, batch.targets, at::Reduction::None, 0).narrow(0, 0, batch.valid);
  }

  at::Tensor training_losses(const at::Tensor& logits, const Batch& batch) const override {
    return mixed_losses(logits, batch).narrow(0, 0, batch.valid);
  }

  std::optional<TargetKind> targets() const override { return TargetKind::classes; }

  std::vector<Metric> metrics() const override {
    return {{"accuracy", "acc", /*larger_is_better=*/true, /*is_fraction=*/true}};
  }

  // In one kernel.
  void add(const at::Tensor& loss, const at::Tensor& logits, const Batch& batch,
           Sums& sums) const override {
    const at::Tensor rows = logits.to(at::kFloat).contiguous();
    const bool wide = loss.scalar_type() == at::kDouble;
    const at::Tensor mean_loss = wide ? loss : loss.to(at::kFloat);
    const kernels::MeanLoss mean = wide ? kernels::MeanLoss(mean_loss.const_data_ptr<double>())
                                        : kernels::MeanLoss(mean_loss.const_data_ptr<float>());
    const auto* values = rows.const_data_ptr<float>();
    const auto* labels = batch.targets.const_data_ptr<std::int64_t>();
    if (rows.is_cuda()) {
      kernels::add_metrics_cuda(sums.data(), mean, values, labels, rows.size(0), rows.size(1),
                                current_stream(rows.device()));
    } else {
      kernels::add_metrics_cpu(sums.data(), mean, values, labels, rows.size(0), rows.size(1));
    }
  }

  std::optional<double> guessing_loss() const override {
    const auto classes = static_cast<double>(std::max<std::int64_t>(2, classes_));
    return std::log(classes) * std::pow(1 - 1 / classes, options_.focal_gamma);
  }

 private:
  static at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& labels,
                                  at::Reduction::Reduction reduction, double smoothing,
                                  const at::Tensor& weights = {}) {
    return at::cross_entropy_loss(logits, labels,
                                  weights.defined() ? std::optional(weights) : std::nullopt,
                                  reduction, kIgnoredLabel, smoothing);
  }

  // Of each sample: what `values` gives for its label, mixed with what it gives for the partner's.
  template <class Values>
  static at::Tensor blended(const at::Tensor& like, const Batch& batch, const Values& values) {
    if (!batch.mix) return values(batch.targets);
    return at::lerp(values(batch.mix->targets), values(batch.targets),
                    batch.mix->weight.to(like.scalar_type()));
  }

  // [B]
  at::Tensor mixed_losses(const at::Tensor& logits, const Batch& batch) const {
    return blended(logits, batch,
                   [&](const at::Tensor& labels) { return losses_of(logits, labels); });
  }

  // [B]
  at::Tensor losses_of(const at::Tensor& logits, const at::Tensor& labels) const {
    at::Tensor weights;
    if (!weights_.empty()) weights = weights_.like(logits, logits.scalar_type());
    const at::Tensor losses =
        cross_entropy(logits, labels, at::Reduction::None, options_.label_smoothing, weights);
    if (options_.focal_gamma == 0) return losses;
    // 1 - p without the cancellation; where it is 0, powers below 1 have no slope.
    constexpr double kTiny = 1e-30;
    const at::Tensor log_p =
        at::log_softmax(logits, 1).gather(1, labels.clamp_min(0).unsqueeze(1)).squeeze(1);
    return losses * log_p.expm1().neg().clamp_min(kTiny).pow(options_.focal_gamma);
  }

  std::int64_t classes_;
  ClassificationOptions options_;
  DeviceConstant weights_;
};

}  // namespace

std::shared_ptr<const Task> classification(std::int64_t classes, double label_smoothing) {
  ClassificationOptions options;
  options.label_smoothing = label_smoothing;
  return classification(classes, options);
}

std::shared_ptr<const Task> classification(std::int64_t classes,
                                           const ClassificationOptions& options) {
  if (classes < 1) throw FieldError("task.name", "classification needs at least one class");
  check_label_smoothing(options.label_smoothing);
  if (!options.weights.empty() && static_cast<std::int64_t>(options.weights.size()) != classes)
    throw FieldError("task.weights",
                     format("{} weights, but {} classes", options.weights.size(), classes));
  for (const double weight : options.weights)
    if (!(weight > 0) || !std::isfinite(weight))
      throw FieldError("task.weights", "a weight must be a positive number");
  if (!(options.focal_gamma >= 0) || !std::isfinite(options.focal_gamma))
    throw FieldError("task.focal_gamma", "must be at least 0");
  return std::make_shared<Classification>(classes, options);
}

}  // namespace onecycle
