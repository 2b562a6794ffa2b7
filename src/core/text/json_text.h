#pragma once

// JSON has finite numbers alone. The others are texts in ours: "nan", "inf" and "-inf".

#include "core/text/json.h"

#include <cmath>
#include <limits>
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

inline Json json_of_number(double value) {
  if (std::isfinite(value)) return value;
  if (std::isnan(value)) return "nan";
  return value > 0 ? "inf" : "-inf";
}

// NaN for what is no number.
inline double number_in_json(const Json& json) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (json.is_null() || json == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (json == "inf") return kInfinity;
  if (json == "-inf") return -kInfinity;
  return json.is_number() ? json.get<double>() : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace onecycle
