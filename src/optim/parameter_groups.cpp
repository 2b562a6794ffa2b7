#include "onecycle/error.h"
#include "onecycle/optimizer.h"

#include "core/text/format.h"
#include "optim/entry.h"
#include "optim/names.h"

#include <algorithm>
#include <cmath>

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

void Parameters::apply(const std::vector<ParameterGroup>& groups) {
  for (std::size_t i = 0; i < groups.size(); ++i)
    if (std::none_of(all_.begin(), all_.end(), [&](const Parameter& parameter) {
          return fits(groups[i].match, parameter.name);
        }))
      throw FieldError(format("optimizer.groups[{}].match", i),
                       format("no parameter's name matches '{}'; the model has {}", groups[i].match,
                              names_of(all_)));
  for (const ParameterGroup& group : groups)
    for (Parameter& parameter : all_) {
      if (!fits(group.match, parameter.name)) continue;
      parameter.lr_scale *= group.lr_scale;
      parameter.decay_scale = group.decay_scale.value_or(parameter.decay_scale);
    }
}

namespace {

// A child that is a norm belongs to the layer before it.
bool is_norm_child(const torch::nn::Module& module, const std::string& child) {
  const auto children = module.named_children();
  const auto* found = children.find(child);
  return found != nullptr && is_norm(**found);
}

}  // namespace

std::vector<LayerGroup> Parameters::layer_groups() const {
  std::vector<LayerGroup> groups;
  std::string current;  // the child of the parameter before
  for (std::size_t i = 0; i < all_.size(); ++i) {
    const std::string child = all_[i].name.substr(0, all_[i].name.find('.'));
    if (groups.empty() || child != current) {
      if (groups.empty() || !is_norm_child(*module_, child)) {
        groups.push_back({child, {child}, {}});
      } else {
        groups.back().name += "+" + child;
        groups.back().children.push_back(child);
      }
      current = child;
    }
    groups.back().parameters.push_back(i);
  }
  return groups;
}

void Parameters::slice_rates(double lowest) {
  const std::vector<LayerGroup> groups = layer_groups();
  for (std::size_t i = 0; i + 1 < groups.size(); ++i) {
    const double below = static_cast<double>(groups.size() - 1 - i);
    const double factor = std::pow(lowest, below / static_cast<double>(groups.size() - 1));
    for (const std::size_t index : groups[i].parameters) all_[index].lr_scale *= factor;
  }
}

}  // namespace onecycle
