#pragma once

#include "onecycle/value.h"

#include <string>
#include <vector>

namespace onecycle {

// Reads a recipe: the file, over the files it `extends` (nearest first), under the `--set`
// overrides
// ("a.b=c", the value in YAML), with ${NAME} and ${NAME:-default} taken from the environment.
// Maps merge key by key; lists and scalars replace; a task, model, optimizer, schedule or data
// format of another name replaces as a whole. Throws RecipeError.
Value load_document(const std::string& path, const std::vector<std::string>& overrides = {});

// The steps of load_document, in its order.
Value read_with_bases(const std::string& path);
void apply_override(Value& document, const std::string& assignment);
void interpolate_environment(Value& value);

// The way back: what interpolate_environment turns into `value`. A value from the environment is
// what was written for it, ${NAME}; another ${ in it is written $${.
void escape_environment(Value& value);

// The text with each $${ as ${, without a look at the environment: for a page about a recipe, which
// whoever made the recipe may read.
std::string without_escapes(std::string text);

}  // namespace onecycle
