#include "study/search/search_axis.h"

#include "core/text/number.h"

#include <set>

namespace onecycle {

// Values of whatever type the recipe's key has.
struct AnyValues {
  std::vector<Value> values;
};
template <>
struct OptionType<AnyValues> {
  static std::string name() { return "list of values"; }
  static std::string schema() { return R"({"type":"array","minItems":1})"; }
  static std::optional<AnyValues> read(const Value& value, std::string& why) {
    if (value.is_list() && !value.items.empty()) return AnyValues{value.items};
    return why = "a list of at least one value", std::nullopt;
  }
  static void write(const AnyValues& any, Value& to) { to = Value::list(any.values); }
};

namespace {

struct AxisOptions {
  std::vector<double> uniform;
  std::vector<double> log_uniform;
  std::vector<std::int64_t> integer;
  AnyValues choice;
};

using AxisTable = OptionTable<AxisOptions>;

template <class T>
bool is_ordered(const std::vector<T>& bounds) {
  return bounds.empty() || (bounds.size() == 2 && bounds[0] < bounds[1]);
}

std::optional<AxisTable::Violation> axis_violation(const AxisOptions& axis) {
  const std::string bounds = "expected [low, high] with low below high";
  if (!is_ordered(axis.uniform)) return AxisTable::Violation{"uniform", bounds};
  if (!is_ordered(axis.log_uniform)) return AxisTable::Violation{"log_uniform", bounds};
  if (!is_ordered(axis.integer)) return AxisTable::Violation{"int", bounds};
  const int given = int{!axis.uniform.empty()} + int{!axis.log_uniform.empty()} +
                    int{!axis.integer.empty()} + int{!axis.choice.values.empty()};
  if (given == 1) return std::nullopt;
  return AxisTable::Violation{
      "",
      "expected one of uniform: [low, high], log_uniform: [low, high], int: [low, high], "
      "choice: [a, b, ...], or a plain list of values"};
}

AxisTable axis_table() {
  AxisTable table("axis", "The values of one key");
  table.add("uniform", &AxisOptions::uniform, "[low, high], every number between equally likely");
  table
      .add("log_uniform", &AxisOptions::log_uniform,
           "[low, high], every order of magnitude between equally likely")
      .range(above(0));
  table.add("int", &AxisOptions::integer, "[low, high], every integer of them equally likely")
      .range(between(-1e15, 1e15));
  table.add("choice", &AxisOptions::choice, "every value of the list equally likely");
  table.rule(axis_violation);
  return table;
}

// 1e-3 and 0.001 are the same value.
std::string key_of(const Value& value) {
  const auto number = number_in(value);
  return number ? number_text(*number) : detail::flow_text(value);
}

void check_distinct(const std::vector<Value>& values, const std::string& path, Problems& problems) {
  std::set<std::string> seen;
  for (const Value& value : values)
    if (!seen.insert(key_of(value)).second)
      problems.add(value.at, path, "names " + detail::flow_text(value) + " twice");
}

}  // namespace

Axis read_axis(const Value::Member& member, const std::string& path, Problems& problems) {
  Axis axis;
  axis.key = member.key;
  axis.at = member.at;
  if (member.value.is_list()) {
    axis.values = member.value.items;
    if (axis.values.empty()) problems.add(member.value.at, path, "expected at least one value");
    check_distinct(axis.values, path, problems);
    return axis;
  }
  if (!member.value.is_map()) {
    problems.add(member.value.at, path,
                 "expected a list of values, or one of uniform, log_uniform, int and choice, got " +
                     member.value.described());
    return axis;
  }
  const AxisOptions options = axis_table().read(member.value, path, problems);
  axis.values = options.choice.values;
  check_distinct(axis.values, path, problems);
  if (options.uniform.size() == 2 || options.log_uniform.size() == 2) {
    const bool log = options.log_uniform.size() == 2;
    axis.kind = log ? Axis::Kind::log_uniform : Axis::Kind::uniform;
    axis.low = (log ? options.log_uniform : options.uniform)[0];
    axis.high = (log ? options.log_uniform : options.uniform)[1];
  }
  if (options.integer.size() == 2) {
    axis.kind = Axis::Kind::integer;
    axis.first = options.integer[0];
    axis.last = options.integer[1];
  }
  return axis;
}

}  // namespace onecycle
