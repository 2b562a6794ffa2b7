#pragma once

#include "onecycle/recipe.h"

#include <string>

namespace onecycle {

// What of a resolved recipe makes it another than without it, "train.duration: 10ep" a line, in its
// order: whatever must be written, and what differs from the defaults. "" for text that is no YAML,
// or longer than such a recipe.
std::string changes_from_defaults(const std::string& resolved, const RecipeVariants& variants);

}  // namespace onecycle
