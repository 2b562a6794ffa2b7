#include "onecycle/error.h"
#include "onecycle/optimizer.h"

#include "core/format.h"

#include <algorithm>
#include <fnmatch.h>

namespace onecycle {

namespace {

constexpr std::size_t kNamesShown = 8;

bool matches(const ParameterGroup& group, const Parameter& parameter) {
  return fnmatch(group.match.c_str(), parameter.name.c_str(), 0) == 0;
}

std::string names_of(const std::vector<Parameter>& parameters) {
  std::string text;
  for (std::size_t i = 0; i < std::min(parameters.size(), kNamesShown); ++i)
    text += (text.empty() ? "" : ", ") + parameters[i].name;
  return parameters.size() > kNamesShown ? text + ", …" : text;
}

}  // namespace

void Parameters::apply(const std::vector<ParameterGroup>& groups) {
  for (std::size_t i = 0; i < groups.size(); ++i)
    if (std::none_of(all_.begin(), all_.end(),
                     [&](const Parameter& parameter) { return matches(groups[i], parameter); }))
      throw RecipeError(
          format("optimizer.groups[{}].match: no parameter is named like '{}'; the model has {}", i,
                 groups[i].match, names_of(all_)));
  for (const ParameterGroup& group : groups)
    for (Parameter& parameter : all_) {
      if (!matches(group, parameter)) continue;
      parameter.lr_scale *= group.lr_scale;
      parameter.decay_scale = group.decay_scale.value_or(parameter.decay_scale);
    }
}

}  // namespace onecycle
