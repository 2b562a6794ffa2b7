#include "onecycle/error.h"
#include "onecycle/task.h"

#include "core/text/format.h"
#include "tasks/device_constant.h"

#include <cmath>
#include <cstddef>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

// Sums of a regression: values, squared and absolute errors in the units of the data; then, of each
// value of a sample, of the squared error, the target and its square, in the targets' own units.
constexpr std::int64_t kPooledSums = 3;
constexpr std::int64_t kMostValues = (kMostSums - kPooledSums) / 3;

// As scikit-learn's r2_score: of a target that does not change 1 where the errors are 0, else 0.
double determination(double squared_error, double sum, double square, double samples) {
  constexpr double kRounding = 1e-13;
  const double variation = square - sum * sum / samples;
  if (variation <= kRounding * square) return squared_error == 0 ? 1 : 0;
  return 1 - squared_error / variation;
}

class Regression : public Task {
 public:
  explicit Regression(const RegressionOptions& options)
      : options_(options), mean_(options.targets.mean), std_(options.targets.std) {}

  at::Tensor loss(const at::Tensor& outputs, const Batch& batch) const override {
    at::Tensor losses = losses_of(outputs, batch.targets, batch.valid);
    if (batch.mix) {
      std::vector<std::int64_t> sizes(static_cast<std::size_t>(losses.dim()), 1);
      sizes[0] = batch.valid;
      const at::Tensor weight =
          batch.mix->weight.narrow(0, 0, batch.valid).to(losses.scalar_type()).view(sizes);
      losses = at::lerp(losses_of(outputs, batch.mix->targets, batch.valid), losses, weight);
    }
    return losses.mean();
  }

  at::Tensor held_out_loss(const at::Tensor& outputs, const Batch& batch) const override {
    return losses_of(outputs, batch.targets, batch.valid).mean();
  }

  at::Tensor sample_losses(const at::Tensor& outputs, const Batch& batch) const override {
    return losses_of(outputs, batch.targets, batch.valid).reshape({batch.valid, -1}).mean(1);
  }

  std::vector<Metric> metrics() const override {
    return {{"rmse", "rmse", /*larger_is_better=*/false, /*is_fraction=*/false},
            {"mae", "mae", /*larger_is_better=*/false, /*is_fraction=*/false},
            {"r2", "R2", /*larger_is_better=*/true, /*is_fraction=*/false}};
  }

  std::vector<double> metric_values(const std::vector<double>& own, std::int64_t samples,
                                    const at::Tensor&) const override {
    const double values = own[0];
    if (samples == 0) return {NAN, NAN, NAN};
    const auto count = static_cast<double>(samples);
    const auto per_sample = static_cast<std::size_t>(std::llround(values / count));
    const bool known = per_sample <= std::size_t{kMostValues} && samples > 1;
    double r2 = known ? 0 : NAN;
    for (std::size_t i = 0; known && i < per_sample; ++i) {
      const double* sums = own.data() + kPooledSums + i;
      r2 += determination(sums[0], sums[per_sample], sums[2 * per_sample], count) /
            static_cast<double>(per_sample);
    }
    return {std::sqrt(own[1] / values), own[2] / values, r2};
  }

  bool loss_may_be_negative() const override { return has_variance(); }

  std::optional<TargetKind> targets() const override { return TargetKind::values; }

  std::int64_t outputs(std::int64_t targets) const override {
    return has_variance() ? 2 * targets : targets;
  }

  at::Tensor predictions(const at::Tensor& outputs) const override {
    const at::Tensor values = means_in(outputs);
    if (std_.empty()) return values;
    return values.to(at::kDouble) * of_values(std_, values) + of_values(mean_, values);
  }

 protected:
  at::Tensor metric_sums(const at::Tensor& outputs, const Batch& batch) const override {
    const at::Tensor errors =
        errors_of(means_in(outputs).to(at::kDouble), batch.targets, batch.valid);
    const at::Tensor in_units = std_.empty() ? errors : errors * of_values(std_, errors);
    std::vector<at::Tensor> sums = {
        at::full({1}, static_cast<double>(errors.numel()), errors.options()),
        in_units.square().sum().view({1}), in_units.abs().sum().view({1})};
    if (batch.valid > 0 && errors.numel() <= kMostValues * batch.valid) {
      const at::Tensor targets =
          batch.targets.narrow(0, 0, batch.valid).to(at::kDouble).reshape({batch.valid, -1});
      sums.push_back(errors.reshape({batch.valid, -1}).square().sum(0));
      sums.push_back(targets.sum(0));
      sums.push_back(targets.square().sum(0));
    }
    return at::cat(sums);
  }

 private:
  bool has_variance() const { return options_.loss == RegressionLoss::gaussian_nll; }

  // [B, T]
  at::Tensor means_in(const at::Tensor& outputs) const {
    return has_variance() ? halves_of(outputs)[0] : outputs;
  }

  static std::vector<at::Tensor> halves_of(const at::Tensor& outputs) {
    if (outputs.dim() != 2 || outputs.size(1) % 2 != 0)
      throw DataError("gaussian_nll needs two outputs for each target: its mean and log variance");
    return outputs.chunk(2, 1);
  }

  // Of each value of a sample, fp64, to go with values [N, ...].
  at::Tensor of_values(const DeviceConstant& statistics, const at::Tensor& values) const {
    const at::IntArrayRef sample = values.sizes().slice(1);
    const auto known = static_cast<std::int64_t>(options_.targets.std.size());
    if (c10::multiply_integers(sample) != known)
      throw DataError(
          format("the targets' statistics are of {} value{} a sample, and outputs are {}", known,
                 known == 1 ? "" : "s", c10::str(values.sizes())));
    return statistics.like(values, at::kDouble).view(sample);
  }

  // [valid, ...], of each value
  at::Tensor losses_of(const at::Tensor& outputs, const at::Tensor& targets,
                       std::int64_t valid) const {
    if (has_variance()) {
      const auto halves = halves_of(outputs);
      const at::Tensor log_variance = halves[1].narrow(0, 0, valid);
      const at::Tensor squares = errors_of(halves[0], targets, valid).square();
      return (log_variance + squares * log_variance.neg().exp()) * .5;
    }
    const at::Tensor errors = errors_of(outputs, targets, valid);
    switch (options_.loss) {
      case RegressionLoss::mae:
        return errors.abs();
      case RegressionLoss::huber:
        return at::huber_loss(errors, at::zeros_like(errors), at::Reduction::None,
                              options_.huber_delta);
      default:
        return errors.square();
    }
  }

  static at::Tensor errors_of(const at::Tensor& outputs, const at::Tensor& targets,
                              std::int64_t valid) {
    if (outputs.sizes() != targets.sizes())
      throw DataError("regression needs outputs and targets of one size");
    return (outputs - targets.to(outputs.scalar_type())).narrow(0, 0, valid);
  }

  RegressionOptions options_;
  DeviceConstant mean_;
  DeviceConstant std_;
};

}  // namespace

std::shared_ptr<const Task> regression(const RegressionOptions& options) {
  if (!(options.huber_delta > 0)) throw FieldError("task.huber_delta", "must be above 0");
  if (options.targets.mean.size() != options.targets.std.size())
    throw FieldError("task.targets", "as many means as standard deviations");
  for (const double mean : options.targets.mean)
    if (!std::isfinite(mean)) throw FieldError("task.targets", "a mean must be a finite number");
  for (const double deviation : options.targets.std)
    if (!(deviation > 0) || !std::isfinite(deviation))
      throw FieldError("task.targets", "a standard deviation must be a positive number");
  return std::make_shared<Regression>(options);
}

}  // namespace onecycle
