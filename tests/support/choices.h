#pragma once

#include "onecycle/options.h"

#include "yaml/yaml.h"

#include <string>

namespace onecycle {

// The part of a registry with options in YAML, or as a map.
template <class Registry>
Choice chosen(const Registry& registry, const std::string& name, const Value& options) {
  return choose(registry.variants(), name, options);
}
template <class Registry>
Choice chosen(const Registry& registry, const std::string& name,
              const std::string& options = "{}") {
  return chosen(registry, name, parse_yaml(options, "test.yaml"));
}

// One of its options, as a recipe has it.
inline std::string option_of(const Choice& choice, const std::string& option) {
  return detail::flow_text(*options_of(choice).find(option));
}

}  // namespace onecycle
