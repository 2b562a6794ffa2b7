#pragma once

#include "onecycle/build.h"

#include "recipe/used_values.h"

#include <string>

namespace onecycle {

// The recipe with every default filled in; what the environment gave knows what was written.
Value recipe_tree(const Recipe& recipe, const RecipeVariants& variants);
// The recipe of such a tree, or of a document.
Recipe recipe_in_tree(const Value& document, const RecipeVariants& variants, Problems& problems);

// The recipe with every default filled in, as YAML; ${NAME} where the environment gave a value.
// Behind each option that is left open (~) stands what `used` has for it: "# 0.004 here".
std::string resolved_text(const Recipe& recipe, const Registries& registries,
                          const UsedValues& used = {});
// Whether two such texts say the same, whatever their comments.
bool are_alike(const std::string& resolved, const std::string& other);

// What resolved_text wrote, which asks the environment again; `name` is shown in messages. Throws
// RecipeError.
Recipe read_resolved(const std::string& text, const std::string& name,
                     const Registries& registries);

// The recipe's model for a checkpoint's metadata, under kModelKey; "" where the environment gave it
// a text, which may be a secret.
std::string model_json(const Recipe& recipe);

// A digest of the numbers, durations and choices that the environment gave: a run that goes on
// under others is not the same. Nothing of texts, which may be secrets; "" where there are none.
std::string environment_digest(const Recipe& recipe);

// What these were written as, for a message: "${WIDTH}, ${RATE}".
std::string environment_names(const Recipe& recipe);

}  // namespace onecycle
