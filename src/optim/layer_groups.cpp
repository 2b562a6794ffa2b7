#include "onecycle/optimizer.h"

#include "optim/names.h"

#include <cmath>

namespace onecycle {

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
