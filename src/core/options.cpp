#include "onecycle/options.h"

#include "onecycle/error.h"
#include "onecycle/registry.h"

#include "core/duration_limits.h"
#include "core/format.h"
#include "core/number.h"

#include <algorithm>
#include <set>

namespace onecycle {

std::string Problem::text() const {
  std::string where = at.text();
  if (!where.empty()) where += ": ";
  return path.empty() ? where + message : where + path + ": " + message;
}

void Problems::add(const Position& at, const std::string& path, const std::string& message) {
  found_.push_back({at, path, message});
}

void Problems::throw_if_any() const {
  if (found_.empty()) return;
  std::string text = found_.front().text();
  if (found_.size() > 1)
    text += format(" (and {} more: `onecycle check` lists them all)", found_.size() - 1);
  throw RecipeError(text);
}

// ---- Scalars -----------------------------------------------------------------------------------

std::optional<bool> OptionType<bool>::read(const Value& value, std::string& why) {
  if (value.is_scalar() && !value.quoted) {
    if (value.text == "true" || value.text == "True") return true;
    if (value.text == "false" || value.text == "False") return false;
  }
  why = name();
  return std::nullopt;
}
Value OptionType<bool>::write(bool value) { return Value::scalar(value ? "true" : "false"); }

std::optional<std::int64_t> OptionType<std::int64_t>::read(const Value& value, std::string& why) {
  if (value.is_scalar() && !value.quoted)
    if (const auto number = parse_integer(value.text)) return number;
  why = "an integer";
  return std::nullopt;
}
Value OptionType<std::int64_t>::write(std::int64_t value) {
  return Value::scalar(std::to_string(value));
}

std::optional<double> OptionType<double>::read(const Value& value, std::string& why) {
  if (value.is_scalar() && !value.quoted)
    if (const auto number = parse_number(value.text)) return number;
  why = "a number";
  return std::nullopt;
}
Value OptionType<double>::write(double value) { return Value::scalar(number_text(value)); }

std::optional<std::string> OptionType<std::string>::read(const Value& value, std::string& why) {
  if (value.is_scalar()) return value.text;
  why = "text";
  return std::nullopt;
}
Value OptionType<std::string>::write(const std::string& value) {
  return Value::scalar(value, true);
}

std::optional<Duration> OptionType<Duration>::read(const Value& value, std::string& why) {
  const auto duration = value.is_scalar() ? Duration::parse(value.text) : std::nullopt;
  if (!duration) {
    why = "a duration like 5ep (epochs) or 1000it (steps)";
  } else if (duration->unit == Duration::Unit::epochs && duration->count > kMostEpochs) {
    why = "a duration of at most 1e9 epochs";
  } else if (duration->unit == Duration::Unit::steps &&
             duration->count >= static_cast<double>(kTooManySteps)) {
    why = "a duration of fewer than 2^53 (9e15) steps";
  } else {
    return duration;
  }
  return std::nullopt;
}
Value OptionType<Duration>::write(const Duration& value) { return Value::scalar(value.text()); }

// ---- Ranges ------------------------------------------------------------------------------------

bool Range::contains(double value) const {
  return (low_open ? value > low : value >= low) && (high_open ? value < high : value <= high);
}

std::string Range::text() const {
  const bool has_low = low != -kUnbounded;
  const bool has_high = high != kUnbounded;
  if (has_low && has_high)
    return format("in {}{}, {}{}", low_open ? '(' : '[', number_text(low), number_text(high),
                  high_open ? ')' : ']');
  if (has_low) return (low_open ? "more than " : "at least ") + number_text(low);
  if (has_high) return (high_open ? "less than " : "at most ") + number_text(high);
  return "";
}

const OptionDescription* OptionGroup::find(const std::string& option) const {
  const auto it = std::find_if(options.begin(), options.end(), [&](const OptionDescription& known) {
    return known.name == option;
  });
  return it == options.end() ? nullptr : &*it;
}

// ---- Maps and choices --------------------------------------------------------------------------

namespace detail {

namespace {

// "a, b or c"
std::string alternatives(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

std::string unknown_name(const std::string& name, const std::vector<std::string>& known) {
  const std::string nearest = nearest_name(name, known);
  const std::string allowed = joined(known);
  return nearest.empty() ? format("known: {}", allowed)
                         : format("did you mean '{}'? known: {}", nearest, allowed);
}

}  // namespace

std::string join_path(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

std::string item_path(const std::string& path, std::size_t index) {
  return format("{}[{}]", path, index);
}

std::string enum_schema(const std::vector<std::string>& names) {
  return R"({"enum":[")" + joined(names, "\",\"") + "\"]}";
}

std::string enum_alternatives(const std::vector<std::string>& names) { return alternatives(names); }

std::string enum_expected(const std::vector<std::string>& names, const Value& got) {
  const std::string nearest = got.is_scalar() ? nearest_name(got.text, names) : "";
  return alternatives(names) + (nearest.empty() ? "" : format(" (nearest: {})", nearest));
}

void check_map(const Value& given, const std::string& path, const std::vector<std::string>& known,
               Problems& problems) {
  if (given.is_null()) return;
  if (!given.is_map()) {
    problems.add(given.at, path, "expected a map of options, got " + given.described());
    return;
  }
  constexpr std::size_t kHints = 20;  // looking for a near name takes its time
  std::size_t unknown = 0;
  for (const auto& member : given.members)
    if (std::find(known.begin(), known.end(), member.key) == known.end())
      problems.add(
          member.at, join_path(path, member.key),
          ++unknown <= kHints ? "unknown key; " + unknown_name(member.key, known) : "unknown key");
}

bool check_list(const Value& given, const std::string& path, Problems& problems) {
  if (!given.is_list())
    problems.add(given.at, path, "expected a list of maps, got " + given.described());
  return given.is_list();
}

Choice read_choice(const Value& given, const std::string& path, const OptionDescription& option,
                   Problems& problems) {
  std::vector<std::string> known;
  for (const Variant& variant : option.variants) known.push_back(variant.name);
  Choice choice{option.default_text, {}};
  Value options = given;
  if (given.is_scalar()) {
    choice.name = given.text;
    options = Value::map();
    options.at = given.at;
  } else if (given.is_map()) {
    if (const Value* name = given.find("name")) {
      if (!name->is_scalar()) {
        problems.add(name->at, join_path(path, "name"), "expected " + alternatives(known));
        return choice;
      }
      choice.name = name->text;
      options.erase("name");
    }
  } else if (given.is_list()) {
    problems.add(given.at, path, "expected a name or a map with a name, got a list");
    return choice;
  }
  for (const Variant& variant : option.variants) {
    if (variant.name != choice.name) continue;
    choice.options = variant.options->resolve(options, path, problems);
    return choice;
  }
  const Value* name = given.find("name");
  if (choice.name.empty()) {
    problems.add(given.at, join_path(path, "name"),
                 format("is required: {}; known: {}", option.meaning, joined(known)));
  } else {
    problems.add(name ? name->at : given.at, join_path(path, "name"),
                 format("unknown name '{}'; {}", choice.name, unknown_name(choice.name, known)));
  }
  return choice;
}

Value write_choice(const Choice& choice) {
  Value result = Value::map();
  result.set("name", Value::scalar(choice.name));
  for (const auto& member : choice.options.members) result.set(member.key, member.value);
  return result;
}

std::string flow_text(const Value& value) {
  switch (value.kind) {
    case Value::Kind::null:
      return "null";
    case Value::Kind::scalar:
      return value.quoted && value.text.empty() ? "''" : value.text;
    case Value::Kind::list:
      return "[" + joined(value.items, ", ", flow_text) + "]";
    case Value::Kind::map: {
      const auto text_of = [](const auto& member) {
        return member.key + ": " + flow_text(member.value);
      };
      return "{" + joined(value.members, ", ", text_of) + "}";
    }
  }
  return "";
}

}  // namespace detail

}  // namespace onecycle
