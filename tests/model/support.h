#pragma once

#include "onecycle/models.h"

#include "recipe/yaml.h"

#include <memory>
#include <string>

namespace onecycle {

inline std::shared_ptr<Model> make_model(const std::string& name, const ModelContext& context,
                                         const std::string& options = "{}") {
  return builtin_models().at(name).make(parse_yaml(options, "test.yaml"), context);
}

}  // namespace onecycle
