#pragma once

#include "onecycle/models.h"

#include "support/choices.h"

#include <memory>
#include <string>

namespace onecycle {

inline std::shared_ptr<Model> make_model(const std::string& name, const ModelContext& context,
                                         const std::string& options = "{}") {
  const ModelRegistry registry = builtin_models();
  return registry.make(chosen(registry, name, options), context);
}

}  // namespace onecycle
