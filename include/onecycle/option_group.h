#pragma once

#include "onecycle/choice.h"

#include <any>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

// What is known of options, whatever struct they fill.
namespace onecycle {

class Problems;
struct Value;

// ---- Ranges ----------------------------------------------------------------------------------

// The bound of a range that has none.
constexpr double kUnbounded = std::numeric_limits<double>::infinity();

// The numbers that an option takes.
struct Range {
  double low = -kUnbounded;
  double high = kUnbounded;
  bool low_open = false;
  bool high_open = false;

  // Whether the number lies within it; NaN does not.
  bool contains(double value) const;
  std::string text() const;  // "[0, 1)", "> 0", "at least 0"; empty when unbounded
};

// From `low` on.
inline Range at_least(double low) { return {.low = low}; }
// Beyond `low`.
inline Range above(double low) { return {.low = low, .low_open = true}; }
// From `low` to `high`, both included.
inline Range between(double low, double high) { return {.low = low, .high = high}; }
// [low, high)
inline Range from_below(double low, double high) {
  return {.low = low, .high = high, .high_open = true};
}

// ---- Descriptions ----------------------------------------------------------------------------

// What documents and checks say of an option.
struct OptionDescription {
  std::string name;
  std::string type;
  std::string default_text;  // as a recipe would write it
  std::string default_json;  // the same in JSON; empty where there is none
  std::string unit;          // "samples", "epochs or steps"; empty where none
  Range range;
  std::string meaning;  // one line
  std::string schema;   // JSON Schema fragment of a plain option
  bool required = false;
  std::shared_ptr<const OptionGroup> section;  // set for a nested group
  std::shared_ptr<const OptionGroup> item;     // set for a list of maps: what one may hold
  Variants variants;                           // set for a Choice, or for several
  bool several = false;                        // a map of variants by name
};

// A map of options, whatever struct they fill.
struct OptionGroup {
  std::string name;
  std::string meaning;
  std::vector<OptionDescription> options;
  // Checks `given` (a map or null) and returns the struct that it fills.
  std::function<std::any(const Value& given, const std::string& path, Problems&)> read;
  // Every option of a struct that was filled, as a map.
  std::function<void(const std::any& filled, Value& to)> write;
  // Each makes its change in such a struct; there may be several of one kind.
  std::vector<std::pair<Change, std::function<void(std::any& filled, double value)>>> changes;

  // The option of that name, or null.
  const OptionDescription* find(const std::string& option) const;
};

}  // namespace onecycle
