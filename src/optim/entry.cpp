#include "optim/entry.h"

namespace onecycle {

OptionTable<ParameterGroup> parameter_group_options() {
  OptionTable<ParameterGroup> table(
      "group", "own learning rates and decays for the parameters that a name pattern picks");
  table
      .add("match", &ParameterGroup::match,
           "glob over a parameter's full name, like `*.bias`; one that matches none is an error")
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

}  // namespace onecycle
