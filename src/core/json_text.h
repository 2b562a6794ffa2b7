#pragma once

#include "core/json.h"

#include <string>

namespace onecycle {

// JSON of others: discarded where the text is none, or nests so deep that writing it again, which
// calls itself for each level, could run out of stack.
inline Json parse_json(const std::string& text) {
  constexpr int kDeepest = 64;
  bool too_deep = false;
  const auto look = [&too_deep](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kDeepest;
    return !too_deep;
  };
  Json json = Json::parse(text, look, /*allow_exceptions=*/false);
  return too_deep ? Json(Json::value_t::discarded) : json;
}

// A JSON value as text, in one line or indented. Names of files are any bytes: what is not UTF-8
// in them becomes U+FFFD, where the library would throw.
inline std::string json_text(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace onecycle
