#pragma once

#include "onecycle/duration.h"
#include "onecycle/value.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// How the type of an option is read from a Value and written to one.
namespace onecycle {

// A type that options hold specialises OptionType:
//   static std::string name();                          shown in messages and docs: "number"
//   static std::string schema();                        JSON Schema fragment
//   static std::optional<T> read(const Value&, std::string& why);  `why` completes "expected …"
//   static Value write(const T&);

template <class T>
struct OptionType;

template <>
struct OptionType<bool> {
  static std::string name() { return "true or false"; }
  static std::string schema() { return R"({"type":"boolean"})"; }
  static std::optional<bool> read(const Value& value, std::string& why);
  static Value write(bool value);
};

template <>
struct OptionType<std::int64_t> {
  static std::string name() { return "integer"; }
  static std::string schema() { return R"({"type":"integer"})"; }
  static std::optional<std::int64_t> read(const Value& value, std::string& why);
  static Value write(std::int64_t value);
};

template <>
struct OptionType<double> {
  static std::string name() { return "number"; }
  static std::string schema() { return R"({"type":"number"})"; }
  static std::optional<double> read(const Value& value, std::string& why);
  static Value write(double value);
};

template <>
struct OptionType<std::string> {
  static std::string name() { return "text"; }
  static std::string schema() { return R"({"type":"string"})"; }
  static std::optional<std::string> read(const Value& value, std::string& why);
  static Value write(const std::string& value);
};

template <>
struct OptionType<Duration> {
  static std::string name() { return "duration"; }
  static std::string schema() {
    return R"({"type":"string","pattern":"^[0-9.]+([eE][0-9]+)?(ep|it)$"})";
  }
  static std::optional<Duration> read(const Value& value, std::string& why);
  static Value write(const Duration& value);
};

template <class T>
struct OptionType<std::optional<T>> {
  static std::string name() { return OptionType<T>::name() + " or null"; }
  static std::string schema() {
    return R"({"anyOf":[)" + OptionType<T>::schema() + R"(,{"type":"null"}]})";
  }
  static std::optional<std::optional<T>> read(const Value& value, std::string& why) {
    if (value.is_null()) return std::optional<std::optional<T>>(std::optional<T>());
    auto inner = OptionType<T>::read(value, why);
    if (!inner) return std::nullopt;
    return std::optional<std::optional<T>>(std::move(inner));
  }
  static Value write(const std::optional<T>& value) {
    return value ? OptionType<T>::write(*value) : Value{};
  }
};

template <class T>
struct OptionType<std::vector<T>> {
  static std::string name() { return "list of " + OptionType<T>::name(); }
  static std::string schema() {
    return R"({"type":"array","items":)" + OptionType<T>::schema() + "}";
  }
  static std::optional<std::vector<T>> read(const Value& value, std::string& why) {
    if (!value.is_list()) return why = "a " + name(), std::nullopt;
    std::vector<T> result;
    for (const Value& item : value.items) {
      auto element = OptionType<T>::read(item, why);
      if (!element) return why = "a " + name(), std::nullopt;
      result.push_back(std::move(*element));
    }
    return result;
  }
  static Value write(const std::vector<T>& value) {
    Value result = Value::list();
    for (const T& element : value) result.items.push_back(OptionType<T>::write(element));
    return result;
  }
};

// For enums: `template <> struct OptionType<Policy> : EnumOption<Policy> {};` and a specialisation
// of `EnumNames<Policy>::values()` that lists every value with its name in recipes.
template <class E>
struct EnumNames;

namespace detail {
std::string enum_schema(const std::vector<std::string>& names);
std::string enum_alternatives(const std::vector<std::string>& names);  // "a, b or c"
std::string enum_expected(const std::vector<std::string>& names, const Value& got);
}  // namespace detail

template <class E>
struct EnumOption {
  static std::vector<std::string> names() {
    std::vector<std::string> result;
    for (const auto& [name, value] : EnumNames<E>::values()) result.emplace_back(name);
    return result;
  }
  static std::string name() { return detail::enum_alternatives(names()); }
  static std::string schema() { return detail::enum_schema(names()); }
  static std::optional<E> read(const Value& value, std::string& why) {
    for (const auto& [name, meaning] : EnumNames<E>::values())
      if (value.is_scalar() && value.text == name) return meaning;
    return why = detail::enum_expected(names(), value), std::nullopt;
  }
  static Value write(E value) {
    for (const auto& [name, meaning] : EnumNames<E>::values())
      if (meaning == value) return Value::scalar(name);
    return {};
  }
};

}  // namespace onecycle
