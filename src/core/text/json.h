#pragma once

#include <nlohmann/json.hpp>
#include <optional>

namespace onecycle {

// Members stay in the order in which they are written.
using Json = nlohmann::ordered_json;

}  // namespace onecycle

// What is not there is null.
template <class Value>
struct nlohmann::adl_serializer<std::optional<Value>> {
  static void to_json(onecycle::Json& json, const std::optional<Value>& value) {
    json = value ? onecycle::Json(*value) : onecycle::Json();
  }
  static void from_json(const onecycle::Json& json, std::optional<Value>& value) {
    value.reset();
    if (!json.is_null()) value = json.template get<Value>();
  }
};

// to_json and from_json of a struct, its members by name. The library's macro of this kind knows
// nlohmann::json alone, which sorts them. In the struct's namespace.
#define ONECYCLE_JSON(Type, ...)                                                          \
  inline void to_json(::onecycle::Json& nlohmann_json_j, const Type& nlohmann_json_t) {   \
    NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(NLOHMANN_JSON_TO, __VA_ARGS__))              \
  }                                                                                       \
  inline void from_json(const ::onecycle::Json& nlohmann_json_j, Type& nlohmann_json_t) { \
    NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(NLOHMANN_JSON_FROM, __VA_ARGS__))            \
  }
