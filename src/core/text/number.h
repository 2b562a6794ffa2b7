#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace onecycle {

// The whole text as a number, independent of the locale; nothing when it is not one.
std::optional<std::int64_t> parse_integer(std::string_view text);  // 1_000 is not accepted
std::optional<double> parse_number(std::string_view text);         // finite only; .5 and 1e-3 are
// The shortest text that reads back as the same double.
std::string number_text(double value);

}  // namespace onecycle
