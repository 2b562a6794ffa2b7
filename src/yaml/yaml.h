#pragma once

#include "onecycle/value.h"

#include <map>
#include <string>

namespace onecycle {

// Parses one YAML 1.2 document, with the merge keys (<<) of YAML 1.1. `name` is shown in positions
// and messages.
// Throws RecipeError for bad syntax, a duplicate key, a key that is not a scalar, several
// documents, text that is not UTF-8 or holds control characters, or a document beyond the limits:
// 1 MiB, 32 levels, 100,000 values and 16 MiB of text after aliases are expanded.
Value parse_yaml(const std::string& text, const std::string& name);

// Throws RecipeError for text that no recipe may hold: not UTF-8, or with control characters other
// than tabs and line breaks.
void check_text(const std::string& text, const Position& at);

// Throws RecipeError also where the file cannot be read.
Value read_yaml_file(const std::string& path);

// Block style, in the order of the tree; what parse_yaml reads back as the same tree. Behind a
// member that is null and not in a list stands the comment that its path ("train.threads") has.
std::string write_yaml(const Value& value, const std::map<std::string, std::string>& comments = {});

}  // namespace onecycle
