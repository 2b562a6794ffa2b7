#pragma once

#include "core/text/json.h"

#include <string>

namespace onecycle {

// JSON of others: discarded where the text is none, nests so deep that writing it again, which
// calls itself for each level, could run out of stack, or has an object of more than a thousand
// members, among which each is looked for from the first on.
Json parse_json(const std::string& text);

// A JSON value as text, in one line or indented. Names of files are any bytes: what is not UTF-8
// in them becomes U+FFFD, where the library would throw.
inline std::string json_text(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace onecycle
