#pragma once

#include "onecycle/optimizers.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace onecycle {

OptionTable<ParameterGroup> parameter_group_options();

// A plan that makes a Made from (Parameters&, rule, options); its rule is the common part alone.
template <class Made, class Options>
OptimizerPlan plan_for(const Options& options) {
  OptimizerPlan plan;
  plan.constants = {options.lr, options.momentum, options.weight_decay};
  plan.rule.decay = options.weight_decay_mode;
  plan.decay_all = options.decay_all;
  plan.lr_slice = options.lr_slice;
  plan.groups = options.groups;
  plan.make = [options](Parameters& parameters, const UpdateRule& rule) {
    return std::make_unique<Made>(parameters, rule, options);
  };
  return plan;
}

template <class Options>
void add_common(OptionTable<Options>& table, const std::string& momentum) {
  table.add("lr", &Options::lr, "constant learning rate; the schedule sets it otherwise")
      .range(above(0))
      .add("momentum", &Options::momentum,
           "constant " + momentum + "; the schedule sets it otherwise")
      .range(from_below(0, 1))
      .add("weight_decay", &Options::weight_decay,
           "constant weight decay, in the units of weight_decay_mode")
      .range(at_least(0))
      .add("weight_decay_mode", &Options::weight_decay_mode,
           {{"decoupled", DecayMode::decoupled},
            {"independent", DecayMode::independent},
            {"l2", DecayMode::l2}},
           "decoupled: w (1 - lr wd); independent: w (1 - lr/lr_max wd); l2: g + wd w "
           "(published values are l2 values)")
      .add("decay_all", &Options::decay_all, "let norm scales, shifts and biases decay too")
      .add("lr_slice", &Options::lr_slice,
           "factor on the learning rate of the model's first layer group, growing geometrically "
           "to 1 at its last (the head): fastai's slice; 1: the same rate everywhere")
      .range(above(0))
      .add_list("groups", &Options::groups, parameter_group_options());
  table.on(Change::release_lr, [](Options& options, double) { options.lr.reset(); })
      .on(Change::scale_lr,
          [](Options& options, double factor) {
            if (options.lr) *options.lr *= factor;
          })
      .on(Change::set_momentum, [](Options& options, double value) { options.momentum = value; })
      .on(Change::release_momentum, [](Options& options, double) { options.momentum.reset(); })
      .on(Change::set_weight_decay,
          [](Options& options, double value) { options.weight_decay = value; })
      .on(Change::decay_as_l2,
          [](Options& options, double) { options.weight_decay_mode = DecayMode::l2; });
}

// The entry of an optimizer whose options `table` describes.
template <class Options>
void add_optimizer(OptimizerRegistry& registry, const OptionTable<Options>& table) {
  registry.add(table, [](const Options& options) { return plan_of(options); });
}

}  // namespace onecycle
