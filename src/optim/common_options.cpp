#include "optim/common_options.h"

namespace onecycle {

OptionTable<ParameterGroup> parameter_group_options() {
  OptionTable<ParameterGroup> table(
      "group", "own learning rates and decays for the parameters that a name pattern picks");
  table
      .add("match", &ParameterGroup::match,
           "glob over a parameter's full name, like `*.bias`; one that fits none is an error")
      .required();
  table
      .add("lr_scale", &ParameterGroup::lr_scale,
           "factor on the learning rate; those of all groups that match multiply")
      .range(at_least(0));
  table
      .add("decay_scale", &ParameterGroup::decay_scale,
           "factor on the weight decay, the last match's; null: 1, or 0 for norms and biases "
           "unless decay_all")
      .range(at_least(0));
  return table;
}

OptimizerPlan plan_of(const CommonOptions& options) {
  OptimizerPlan plan;
  plan.constants = {options.lr, options.momentum, options.weight_decay};
  plan.rule.decay = options.weight_decay_mode;
  plan.decay_all = options.decay_all;
  plan.lr_slice = options.lr_slice;
  plan.groups = options.groups;
  return plan;
}

}  // namespace onecycle
