#include "recipe/recipe_error.h"

namespace onecycle {

namespace {

// Of the key, or of the innermost list or section around it that was written.
Position position_of(const Recipe& recipe, std::string key) {
  if (!recipe.positions) return {};
  for (;;) {
    const auto found = recipe.positions->find(key);
    if (found != recipe.positions->end()) return found->second;
    const std::size_t end = key.find_last_of(".[");
    if (end == std::string::npos) return {};
    key.resize(end);
  }
}

}  // namespace

RecipeError recipe_error(const Recipe& recipe, const std::string& key, const std::string& why) {
  return RecipeError(Problem{position_of(recipe, key), key, why}.text());
}

}  // namespace onecycle
