#include "onecycle/options.h"

#include "onecycle/error.h"

#include "core/process/this_process.h"
#include "core/text/duration_limits.h"
#include "core/text/format.h"
#include "core/text/number.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace onecycle {

std::string Problem::text() const {
  std::string where = at.text();
  if (!where.empty()) where += ": ";
  return path.empty() ? where + message : where + path + ": " + message;
}

void Problems::add(const Position& at, const std::string& path, const std::string& message) {
  found_.push_back({at, path, message});
}

std::vector<Problem> Problems::found() const {
  std::map<std::string, std::size_t> files;  // in the order in which they come
  for (const Problem& problem : found_) files.emplace(problem.at.file, files.size());
  std::vector<Problem> ordered = found_;
  std::stable_sort(ordered.begin(), ordered.end(), [&](const Problem& a, const Problem& b) {
    return std::tuple(files.at(a.at.file), a.at.line, a.at.column) <
           std::tuple(files.at(b.at.file), b.at.line, b.at.column);
  });
  return ordered;
}

void Problems::throw_if_any() const {
  if (found_.empty()) return;
  std::string text = found().front().text();
  if (found_.size() > 1)
    text += format(" (and {} more: `{} check` lists them all)", found_.size() - 1, program_name());
  throw RecipeError(text);
}

// ---- Scalars -----------------------------------------------------------------------------------

std::optional<std::int64_t> integer_in(const Value& value) {
  return value.is_scalar() && !value.quoted ? parse_integer(value.text) : std::nullopt;
}

std::optional<double> number_in(const Value& value) {
  return value.is_scalar() && !value.quoted ? parse_number(value.text) : std::nullopt;
}

std::optional<bool> OptionType<bool>::read(const Value& value, std::string& why) {
  if (value.is_scalar() && !value.quoted) {
    for (const char* word : {"true", "True", "TRUE"})
      if (value.text == word) return true;
    for (const char* word : {"false", "False", "FALSE"})
      if (value.text == word) return false;
  }
  why = name();
  return std::nullopt;
}
void OptionType<bool>::write(bool value, Value& to) {
  to = Value::scalar(value ? "true" : "false");
}

std::optional<std::int64_t> OptionType<std::int64_t>::read(const Value& value, std::string& why) {
  if (const auto number = integer_in(value)) return number;
  why = "an integer";
  return std::nullopt;
}
void OptionType<std::int64_t>::write(std::int64_t value, Value& to) {
  to = Value::scalar(std::to_string(value));
}

std::optional<double> OptionType<double>::read(const Value& value, std::string& why) {
  if (const auto number = number_in(value)) return number;
  why = "a number";
  return std::nullopt;
}
void OptionType<double>::write(double value, Value& to) { to = Value::scalar(number_text(value)); }

std::optional<std::string> OptionType<std::string>::read(const Value& value, std::string& why) {
  if (value.is_scalar()) return value.text;
  why = "text";
  return std::nullopt;
}
void OptionType<std::string>::write(const std::string& value, Value& to) {
  to = Value::scalar(value, true);
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
void OptionType<Duration>::write(const Duration& value, Value& to) {
  to = Value::scalar(value.text());
}

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

}  // namespace onecycle
