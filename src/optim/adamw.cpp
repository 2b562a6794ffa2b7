#include "kernels/adamw.h"

#include "optim/builtin.h"
#include "optim/common_options.h"
#include "optim/fused.h"

namespace onecycle {

namespace {

struct AdamwOptions : CommonOptions {
  double beta2 = 0.999;
  double eps = 1e-8;
};

OptionTable<AdamwOptions> adamw_options() {
  OptionTable<AdamwOptions> table(
      "adamw", "AdamW, as torch.optim.AdamW; with weight_decay_mode l2, torch.optim.Adam");
  add_common(table, "beta1");
  table.add("beta2", &AdamwOptions::beta2, "decay of the average of squared gradients")
      .range(from_below(0, 1));
  table.add("eps", &AdamwOptions::eps, "added to the root of that average").range(at_least(0));
  return table;
}

class Adamw : public FusedOptimizer {
 public:
  Adamw(Parameters& parameters, const UpdateRule& rule, const AdamwOptions& options)
      : FusedOptimizer(parameters, {"exp_avg", "exp_avg_sq"}),
        rule_{rule.decay, rule.lr_max, options.beta2, options.eps} {}

  static void complete(UpdateRule& rule, const AdamwOptions&) { rule.adaptive = true; }

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

void add_adamw(OptimizerRegistry& registry) {
  registry.add(optimizer_entry<Adamw>(adamw_options()));
}

}  // namespace onecycle
