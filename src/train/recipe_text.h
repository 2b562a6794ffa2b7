#pragma once

#include "onecycle/trainer.h"

#include <string>

namespace onecycle {

// The recipe with every default filled in, as YAML.
std::string resolved_text(const Recipe& recipe, const Registries& registries);

// What resolved_text wrote; `name` is shown in messages. Throws RecipeError.
Recipe read_resolved(const std::string& text, const std::string& name,
                     const Registries& registries);

}  // namespace onecycle
