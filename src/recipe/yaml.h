#pragma once

#include "onecycle/value.h"

#include <string>

namespace onecycle {

// Parses one YAML 1.2 document. `name` is shown in positions and messages.
// Throws RecipeError for bad syntax, a duplicate key, a key that is not a scalar, several
// documents, or a document beyond the limits: 1 MiB, 32 levels, 100,000 values after aliases are
// expanded.
Value parse_yaml(const std::string& text, const std::string& name);

// Throws RecipeError also where the file cannot be read.
Value read_yaml_file(const std::string& path);

// Block style, in the order of the tree; what parse_yaml reads back as the same tree.
std::string write_yaml(const Value& value);

}  // namespace onecycle
