#pragma once

#include "core/text/json.h"

#include <cmath>
#include <limits>
#include <string>

// JSON has finite numbers alone. The others are texts in ours: "nan", "inf" and "-inf".
namespace onecycle {

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
