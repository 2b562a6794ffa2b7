#include "onecycle/task.h"

#include "kernels/metrics/metrics.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

class Classification : public Task {
 public:
  Classification(std::int64_t classes, double label_smoothing)
      : classes_(classes), smoothing_(label_smoothing) {}

  at::Tensor loss(const at::Tensor& logits, const Batch& batch) const override {
    if (!batch.mix) return cross_entropy(logits, batch.targets, at::Reduction::Mean, smoothing_);
    const auto losses = [&](const at::Tensor& labels) {
      return cross_entropy(logits, labels, at::Reduction::None, smoothing_);
    };
    const at::Tensor weight = batch.mix->weight.to(logits.scalar_type());
    return at::lerp(losses(batch.mix->targets), losses(batch.targets), weight).mean();
  }

  at::Tensor held_out_loss(const at::Tensor& logits, const Batch& batch) const override {
    return cross_entropy(logits, batch.targets, at::Reduction::Mean, 0);
  }

  at::Tensor sample_losses(const at::Tensor& logits, const Batch& batch) const override {
    return cross_entropy(logits, batch.targets, at::Reduction::None, 0).narrow(0, 0, batch.valid);
  }

  TargetKind targets() const override { return TargetKind::classes; }
  at::Tensor predictions(const at::Tensor& logits) const override { return at::softmax(logits, 1); }

  std::vector<Metric> metrics() const override {
    return {{"accuracy", "acc", /*larger_is_better=*/true, /*is_fraction=*/true}};
  }

  // In one kernel.
  void add(const at::Tensor& loss, const at::Tensor& logits, const Batch& batch,
           Sums& sums) const override {
    const at::Tensor rows = logits.contiguous();
    const auto* mean = loss.const_data_ptr<float>();
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
    return std::log(static_cast<double>(std::max<std::int64_t>(2, classes_)));
  }

 private:
  static at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& labels,
                                  at::Reduction::Reduction reduction, double smoothing) {
    return at::cross_entropy_loss(logits, labels, {}, reduction, kIgnoredLabel, smoothing);
  }

  std::int64_t classes_;
  double smoothing_;
};

}  // namespace

std::shared_ptr<const Task> classification(std::int64_t classes, double label_smoothing) {
  return std::make_shared<Classification>(classes, label_smoothing);
}

}  // namespace onecycle
