#pragma once

#include "onecycle/choice.h"

#include "core/text/json.h"

#include <string>

// Described options as JSON: for files that are read where there is no YAML.
namespace onecycle {

struct Value;

Json json_of(const Value& value);
Value value_of(const Json& json);

// {"name": ..., and every option by its name}, as recipes have it.
Json json_of(const Choice& choice);
// The choice, read and checked as a recipe's; `path` names it in messages. Throws Error.
Choice choice_of(const Json& json, const Variants& variants, const std::string& path);

}  // namespace onecycle
