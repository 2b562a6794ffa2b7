#include "kernels/update/adamw.h"

#include "optim/entry.h"
#include "optim/fused.h"

namespace onecycle {

namespace {

OptionTable<AdamW> adamw_options() {
  OptionTable<AdamW> table(
      "adamw", "AdamW, as torch.optim.AdamW; with weight_decay_mode l2, torch.optim.Adam");
  add_common(table, "beta1");
  table.add("beta2", &AdamW::beta2, "decay of the average of squared gradients")
      .range(from_below(0, 1));
  table.add("eps", &AdamW::eps, "added to the root of that average").range(at_least(0));
  return table;
}

class AdamwOptimizer : public FusedOptimizer {
 public:
  AdamwOptimizer(Parameters& parameters, const UpdateRule& rule, const AdamW& options)
      : FusedOptimizer(parameters, {"exp_avg", "exp_avg_sq"}),
        rule_{rule.decay, rule.lr_max, options.beta2, options.eps} {}

 private:
  void update_on_cpu(const kernels::UpdateTensor& tensor, std::int64_t begin,
                     std::int64_t end) const override {
    kernels::adamw_cpu(tensor, begin, end, rule_, hyper_.data(), scale_data());
  }
  void update_on_cuda(const std::vector<kernels::UpdateTensor>& tensors,
                      void* stream) const override {
    kernels::adamw_cuda(tensors.data(), static_cast<int>(tensors.size()), rule_, hyper_.data(),
                        stream, scale_data());
  }

  kernels::AdamwRule rule_;
};

}  // namespace

OptimizerPlan plan_of(const AdamW& options) {
  OptimizerPlan plan = plan_for<AdamwOptimizer>(options);
  plan.rule.adaptive = true;
  return plan;
}

void add_adamw(OptimizerRegistry& registry) { add_optimizer(registry, adamw_options()); }

}  // namespace onecycle
