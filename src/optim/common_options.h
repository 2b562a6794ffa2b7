#pragma once

#include "onecycle/optimizers.h"

#include <optional>
#include <vector>

namespace onecycle {

template <>
struct EnumNames<DecayMode> {
  static std::vector<std::pair<const char*, DecayMode>> values() {
    return {{"decoupled", DecayMode::decoupled},
            {"independent", DecayMode::independent},
            {"l2", DecayMode::l2}};
  }
};
template <>
struct OptionType<DecayMode> : EnumOption<DecayMode> {};

// What every optimizer's recipe may name.
struct CommonOptions {
  std::optional<double> lr;
  std::optional<double> momentum;
  std::optional<double> weight_decay;
  DecayMode weight_decay_mode = DecayMode::decoupled;
  bool decay_all = false;
  double lr_slice = 1;
  std::vector<ParameterGroup> groups;
};

OptionTable<ParameterGroup> parameter_group_options();

// The plan but for `make` and what is the optimizer's own.
OptimizerPlan plan_of(const CommonOptions& options);

template <class Options>
void add_common(OptionTable<Options>& table, const std::string& momentum) {
  table
      .template add<std::optional<double>>("lr", &Options::lr,
                                           "constant learning rate; the schedule sets it otherwise")
      .range(above(0));
  table
      .template add<std::optional<double>>(
          "momentum", &Options::momentum,
          "constant " + momentum + "; the schedule sets it otherwise")
      .range(from_below(0, 1));
  table
      .template add<std::optional<double>>("weight_decay", &Options::weight_decay,
                                           "constant weight decay, in the units of "
                                           "weight_decay_mode")
      .range(at_least(0));
  table.template add<DecayMode>(
      "weight_decay_mode", &Options::weight_decay_mode,
      "decoupled: w (1 - lr wd); independent: w (1 - lr/lr_max wd); l2: g + wd w "
      "(published values are l2 values)");
  table.template add<bool>("decay_all", &Options::decay_all,
                           "let norm scales, shifts and biases decay too");
  table
      .template add<double>("lr_slice", &Options::lr_slice,
                            "factor on the learning rate of the model's first layer group, growing "
                            "geometrically to 1 "
                            "at its last (the head): fastai's slice; 1: the same rate everywhere")
      .range(above(0));
  table.template add_list<ParameterGroup>("groups", &Options::groups, parameter_group_options());
}

// A registry's entry that makes an Optimizer of type Made from (Parameters&, rule, Options).
template <class Made, class Options>
OptimizerRegistry::Entry optimizer_entry(const OptionTable<Options>& table) {
  return {table.variant(), [table](const Value& values) {
            Problems problems;
            const Options options = table.read(values, "optimizer", problems);
            problems.throw_if_any();
            OptimizerPlan plan = plan_of(options);
            Made::complete(plan.rule, options);
            plan.make = [options](Parameters& parameters, const UpdateRule& rule) {
              return std::make_unique<Made>(parameters, rule, options);
            };
            return plan;
          }};
}

}  // namespace onecycle
