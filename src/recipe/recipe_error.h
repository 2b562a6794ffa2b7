#pragma once

#include "onecycle/error.h"
#include "onecycle/recipe.h"

#include <string>

namespace onecycle {

// The error for a key of the recipe, like "train.freeze[1].to", with the file and line that it was
// written in; where it was not, with those of the section that it would be in.
RecipeError recipe_error(const Recipe& recipe, const std::string& key, const std::string& why);

// What `work` returns. What it says of a part's field is said of the recipe's key.
template <class Work>
auto in_terms_of(const Recipe& recipe, Work work) {
  try {
    return work();
  } catch (const FieldError& error) {
    throw recipe_error(recipe, error.field(), error.why());
  }
}

}  // namespace onecycle
