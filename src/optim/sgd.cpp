#include "kernels/sgd.h"

#include "optim/builtin.h"
#include "optim/common_options.h"
#include "optim/fused.h"

namespace onecycle {

template <>
struct EnumNames<MomentumForm> {
  static std::vector<std::pair<const char*, MomentumForm>> values() {
    return {
        {"torch", MomentumForm::torch}, {"ema", MomentumForm::ema}, {"caffe", MomentumForm::caffe}};
  }
};
template <>
struct OptionType<MomentumForm> : EnumOption<MomentumForm> {};

namespace {

struct SgdOptions : CommonOptions {
  bool nesterov = false;
  MomentumForm momentum_form = MomentumForm::torch;
};

OptionTable<SgdOptions> sgd_options() {
  OptionTable<SgdOptions> table("sgd", "Stochastic gradient descent with momentum");
  add_common(table, "momentum");
  table.add("nesterov", &SgdOptions::nesterov, "take the gradient step from where momentum leads");
  table.add("momentum_form", &SgdOptions::momentum_form,
            "torch: v = m v + g; ema: v = m v + (1 - m) g; caffe: v = m v + lr g, w = w - v");
  return table;
}

class Sgd : public FusedOptimizer {
 public:
  Sgd(Parameters& parameters, const UpdateRule& rule, const SgdOptions&)
      : FusedOptimizer(parameters, {"velocity"}), rule_(rule) {}

  static void complete(UpdateRule& rule, const SgdOptions& options) {
    rule.form = options.momentum_form;
    rule.nesterov = options.nesterov;
  }

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

void add_sgd(OptimizerRegistry& registry) { registry.add(optimizer_entry<Sgd>(sgd_options())); }

}  // namespace onecycle
