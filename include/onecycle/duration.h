#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace onecycle {

// A length of training: `5ep` (epochs, may be fractional) or `1000it` (optimizer steps).
struct Duration {
  // What is counted.
  enum class Unit { epochs, steps };

  double count = 0;
  Unit unit = Unit::epochs;

  // Nothing where the text is no duration.
  static std::optional<Duration> parse(const std::string& text);
  // As recipes write it: "5ep".
  std::string text() const;
  // Rounded to the nearest step, at least 1 for a positive count.
  std::int64_t steps(std::int64_t steps_per_epoch) const;

  // A share of it, or a multiple; in steps a whole number, at least 1 of what was any.
  Duration times(double factor) const;

  bool operator==(const Duration&) const = default;
};

}  // namespace onecycle
