#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace onecycle {

// A JSON value as text, in one line or indented. Names of files are any bytes: what is not UTF-8
// in them becomes U+FFFD, where the library would throw.
template <class Json>
std::string json_text(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace onecycle
