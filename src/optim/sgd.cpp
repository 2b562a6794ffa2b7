#include "kernels/update/sgd.h"

#include "optim/entry.h"
#include "optim/fused.h"

namespace onecycle {

namespace {

OptionTable<Sgd> sgd_options() {
  OptionTable<Sgd> table("sgd", "Stochastic gradient descent with momentum");
  add_common(table, "momentum");
  table.add("nesterov", &Sgd::nesterov, "take the gradient step from where momentum leads");
  table.add(
      "momentum_form", &Sgd::momentum_form,
      {{"torch", MomentumForm::torch}, {"ema", MomentumForm::ema}, {"caffe", MomentumForm::caffe}},
      "torch: v = m v + g; ema: v = m v + (1 - m) g; caffe: v = m v + lr g, w = w - v");
  return table;
}

class SgdOptimizer : public FusedOptimizer {
 public:
  SgdOptimizer(Parameters& parameters, const UpdateRule& rule, const Sgd&)
      : FusedOptimizer(parameters, {"velocity"}), rule_(rule) {}

 private:
  void update_on_cpu(const kernels::UpdateTensor& tensor, std::int64_t begin,
                     std::int64_t end) const override {
    kernels::sgd_cpu(tensor, begin, end, rule_, hyper_.data(), scale_data());
  }
  void update_on_cuda(const std::vector<kernels::UpdateTensor>& tensors,
                      void* stream) const override {
    kernels::sgd_cuda(tensors.data(), static_cast<int>(tensors.size()), rule_, hyper_.data(),
                      stream, scale_data());
  }

  UpdateRule rule_;
};

}  // namespace

OptimizerPlan plan_of(const Sgd& options) {
  OptimizerPlan plan = plan_for<SgdOptimizer>(options);
  plan.rule.form = options.momentum_form;
  plan.rule.nesterov = options.nesterov;
  return plan;
}

void add_sgd(OptimizerRegistry& registry) { add_optimizer(registry, sgd_options()); }

}  // namespace onecycle
