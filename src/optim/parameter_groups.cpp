#include "onecycle/error.h"
#include "onecycle/optimizer.h"

#include "core/format.h"
#include "optim/names.h"

#include <algorithm>

namespace onecycle {

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

}  // namespace onecycle
