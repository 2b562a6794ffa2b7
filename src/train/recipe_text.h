#pragma once

#include "onecycle/trainer.h"

#include <string>

namespace onecycle {

// The recipe with every default filled in, as YAML.
std::string resolved_text(const Recipe& recipe, const Registries& registries);

}  // namespace onecycle
