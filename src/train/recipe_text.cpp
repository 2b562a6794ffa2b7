#include "train/recipe_text.h"

#include "recipe/document.h"
#include "recipe/yaml.h"

namespace onecycle {

std::string resolved_text(const Recipe& recipe, const Registries& registries) {
  Value document = recipe_options(registries.variants()).write(recipe);
  escape_environment(document);
  return write_yaml(document);
}

Recipe read_resolved(const std::string& text, const std::string& name,
                     const Registries& registries) {
  Value document = parse_yaml(text, name);
  interpolate_environment(document);
  return read_recipe(document, registries);
}

}  // namespace onecycle
