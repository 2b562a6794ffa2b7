#include "train/recipe_text.h"

#include "recipe/yaml.h"

namespace onecycle {

std::string resolved_text(const Recipe& recipe, const Registries& registries) {
  return write_yaml(recipe_options(registries.variants()).write(recipe));
}

}  // namespace onecycle
