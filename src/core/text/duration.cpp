#include "onecycle/duration.h"

#include "core/text/duration_limits.h"
#include "core/text/number.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

std::optional<Duration> Duration::parse(const std::string& text) {
  if (text.size() < 3) return std::nullopt;
  const std::string suffix = text.substr(text.size() - 2);
  const auto count = parse_number(std::string_view(text).substr(0, text.size() - 2));
  if (!count || *count < 0) return std::nullopt;
  if (suffix == "ep") return Duration{*count, Unit::epochs};
  if (suffix == "it" && *count == std::floor(*count)) return Duration{*count, Unit::steps};
  return std::nullopt;
}

std::string Duration::text() const {
  return number_text(count) + (unit == Unit::epochs ? "ep" : "it");
}

Duration Duration::times(double factor) const {
  Duration result{count * factor, unit};
  if (unit == Unit::steps && count > 0) result.count = std::max(1.0, std::round(result.count));
  return result;
}

std::int64_t Duration::steps(std::int64_t steps_per_epoch) const {
  if (count <= 0) return 0;
  const double exact = unit == Unit::steps ? count : count * static_cast<double>(steps_per_epoch);
  return std::llround(std::clamp(exact, 1.0, static_cast<double>(kTooManySteps)));
}

}  // namespace onecycle
