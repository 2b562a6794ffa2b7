#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace onecycle {

// JSON of others: discarded where the text is none, or nests so deep that writing it again, which
// calls itself for each level, could run out of stack.
template <class Json>
Json parse_json(const std::string& text) {
  constexpr int kDeepest = 64;
  bool too_deep = false;
  const auto look = [&too_deep](int depth, typename Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kDeepest;
    return !too_deep;
  };
  Json json = Json::parse(text, look, /*allow_exceptions=*/false);
  return too_deep ? Json(Json::value_t::discarded) : json;
}

}  // namespace onecycle
