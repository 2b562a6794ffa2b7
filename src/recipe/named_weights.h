#pragma once

#include "onecycle/build.h"

namespace onecycle {

// The recipe's `data`, normalised as its `weights.name` was where the recipe states nothing.
// Environment::loading is told where it states something else. Throws FieldError for a name that
// nothing describes.
DataOptions normalised_as_weights(const Recipe& recipe, const Environment& environment);

}  // namespace onecycle
