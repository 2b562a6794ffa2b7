#pragma once

#include "onecycle/search.h"

#include "yaml/yaml.h"

#include <string>

namespace onecycle::testing {

// A `search` section; throws RecipeError for a bad one.
inline SearchOptions search_of(const std::string& yaml) {
  Problems problems;
  SearchOptions options = read_search(parse_yaml(yaml, "space.yaml"), problems);
  problems.throw_if_any();
  return options;
}

inline std::string text_of(const Setting& setting) {
  return detail::flow_text(Value::list(setting));
}

}  // namespace onecycle::testing
