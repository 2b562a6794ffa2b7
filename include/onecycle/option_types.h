#pragma once

#include "onecycle/duration.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// How the type of an option is read from a Value and written to one. Who describes options needs to
// know no more of values (value.h) than that there are some.
namespace onecycle {

struct Value;
class Problems;

// A type that options hold specialises OptionType:
//   static std::string name();                          shown in messages and docs: "number"
//   static std::string schema();                        JSON Schema fragment
//   static std::optional<T> read(const Value&, std::string& why);  `why` completes "expected …"
//   static void write(const T&, Value& to);             `to` is null

template <class T>
struct OptionType;

template <>
struct OptionType<bool> {
  static std::string name() { return "true or false"; }
  static std::string schema() { return R"({"type":"boolean"})"; }
  static std::optional<bool> read(const Value& value, std::string& why);
  static void write(bool value, Value& to);
};

template <>
struct OptionType<std::int64_t> {
  static std::string name() { return "integer"; }
  static std::string schema() { return R"({"type":"integer"})"; }
  static std::optional<std::int64_t> read(const Value& value, std::string& why);
  static void write(std::int64_t value, Value& to);
};

template <>
struct OptionType<double> {
  static std::string name() { return "number"; }
  static std::string schema() { return R"({"type":"number"})"; }
  static std::optional<double> read(const Value& value, std::string& why);
  static void write(double value, Value& to);
};

template <>
struct OptionType<std::string> {
  static std::string name() { return "text"; }
  static std::string schema() { return R"({"type":"string"})"; }
  static std::optional<std::string> read(const Value& value, std::string& why);
  static void write(const std::string& value, Value& to);
};

template <>
struct OptionType<Duration> {
  static std::string name() { return "duration"; }
  static std::string schema() {
    return R"({"type":"string","pattern":"^[0-9.]+([eE][0-9]+)?(ep|it)$"})";
  }
  static std::optional<Duration> read(const Value& value, std::string& why);
  static void write(const Duration& value, Value& to);
};

namespace detail {
bool is_null(const Value& value);
std::optional<std::size_t> list_size(const Value& value);  // nothing if it is not a list
const Value& list_item(const Value& list, std::size_t index);
void become_list(Value& value);
Value& add_item(Value& list);
// Which of the names the value is; nothing, and a problem, if it is none of them.
std::optional<std::size_t> read_word(const Value& value, const std::string& path,
                                     const std::vector<std::string>& names, Problems& problems);
void write_word(const std::string& word, Value& to);
std::string enum_schema(const std::vector<std::string>& names);
std::string enum_alternatives(const std::vector<std::string>& names);  // "a, b or c"
}  // namespace detail

template <class T>
struct OptionType<std::optional<T>> {
  static std::string name() { return OptionType<T>::name() + " or null"; }
  static std::string schema() {
    return R"({"anyOf":[)" + OptionType<T>::schema() + R"(,{"type":"null"}]})";
  }
  static std::optional<std::optional<T>> read(const Value& value, std::string& why) {
    if (detail::is_null(value)) return std::optional<std::optional<T>>(std::optional<T>());
    auto inner = OptionType<T>::read(value, why);
    if (!inner) return std::nullopt;
    return std::optional<std::optional<T>>(std::move(inner));
  }
  static void write(const std::optional<T>& value, Value& to) {
    if (value) OptionType<T>::write(*value, to);
  }
};

template <class T>
struct OptionType<std::vector<T>> {
  static std::string name() { return "list of " + OptionType<T>::name(); }
  static std::string schema() {
    return R"({"type":"array","items":)" + OptionType<T>::schema() + "}";
  }
  static std::optional<std::vector<T>> read(const Value& value, std::string& why) {
    const auto size = detail::list_size(value);
    if (!size) return why = "a " + name(), std::nullopt;
    std::vector<T> result;
    for (std::size_t i = 0; i < *size; ++i) {
      auto element = OptionType<T>::read(detail::list_item(value, i), why);
      if (!element) return why = "a " + name(), std::nullopt;
      result.push_back(std::move(*element));
    }
    return result;
  }
  static void write(const std::vector<T>& value, Value& to) {
    detail::become_list(to);
    for (const T& element : value) OptionType<T>::write(element, detail::add_item(to));
  }
};

// How recipes name the values of an enum.
template <class E>
using Words = std::vector<std::pair<const char*, E>>;

// The word of a value, or "".
template <class E>
std::string word_of(const Words<E>& words, E value) {
  for (const auto& [word, meaning] : words)
    if (meaning == value) return word;
  return "";
}

}  // namespace onecycle
