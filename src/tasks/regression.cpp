#include "onecycle/error.h"
#include "onecycle/task.h"

#include <ATen/ATen.h>

namespace onecycle {

namespace {

class Regression : public Task {
 public:
  at::Tensor loss(const at::Tensor& outputs, const Batch& batch) const override {
    const at::Tensor errors = errors_of(outputs, batch.targets, batch.valid).square();
    if (!batch.mix) return errors.mean();
    const at::Tensor others = errors_of(outputs, batch.mix->targets, batch.valid).square();
    std::vector<std::int64_t> sizes(static_cast<std::size_t>(errors.dim()), 1);
    sizes[0] = batch.valid;
    const at::Tensor weight =
        batch.mix->weight.narrow(0, 0, batch.valid).to(errors.scalar_type()).view(sizes);
    return at::lerp(others, errors, weight).mean();
  }

  at::Tensor held_out_loss(const at::Tensor& outputs, const Batch& batch) const override {
    return errors_of(outputs, batch.targets, batch.valid).square().mean();
  }

  at::Tensor sample_losses(const at::Tensor& outputs, const Batch& batch) const override {
    const at::Tensor errors = errors_of(outputs, batch.targets, batch.valid).square();
    return errors.reshape({batch.valid, -1}).mean(1);
  }

  std::vector<Metric> metrics() const override {
    return {{"mae", "mae", /*larger_is_better=*/false, /*is_fraction=*/false}};
  }

 protected:
  at::Tensor metric_sums(const at::Tensor& outputs, const Batch& batch) const override {
    return errors_of(outputs, batch.targets, batch.valid).abs().mean(at::kDouble).view({1}) *
           batch.valid;
  }

 private:
  static at::Tensor errors_of(const at::Tensor& outputs, const at::Tensor& targets,
                              std::int64_t valid) {
    if (outputs.sizes() != targets.sizes())
      throw DataError("regression needs outputs and targets of one size");
    return (outputs - targets.to(outputs.scalar_type())).narrow(0, 0, valid);
  }
};

}  // namespace

std::shared_ptr<const Task> regression() { return std::make_shared<Regression>(); }

}  // namespace onecycle
