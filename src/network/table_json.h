#pragma once

#include "onecycle/table.h"

#include "core/text/json.h"

// TableEncoding in files.
namespace onecycle {

void to_json(Json& json, const TableEncoding& table);
// Throws Json::exception for what is none.
void from_json(const Json& json, TableEncoding& table);

// Whether a table could be so encoded: its columns have names, numbers in bounds and categories,
// each of them once.
bool is_sound(const TableEncoding& table);

}  // namespace onecycle
