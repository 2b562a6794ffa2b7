#include "options/value_json.h"

#include "onecycle/options.h"

#include "core/text/number.h"

namespace onecycle {

Json json_of(const Value& value) {
  switch (value.kind) {
    case Value::Kind::null:
      return nullptr;
    case Value::Kind::scalar:
      if (!value.written.empty()) return value.written;
      if (value.quoted) return value.text;
      if (const auto integer = integer_in(value)) return *integer;
      if (const auto number = number_in(value)) return *number;
      if (value.text == "true" || value.text == "false") return value.text == "true";
      return value.text;
    case Value::Kind::list: {
      Json list = Json::array();
      for (const Value& item : value.items) list.push_back(json_of(item));
      return list;
    }
    case Value::Kind::map: {
      Json map = Json::object();
      for (const auto& member : value.members) map[member.key] = json_of(member.value);
      return map;
    }
  }
  return nullptr;
}

Value value_of(const Json& json) {
  if (json.is_string()) return Value::scalar(json.get<std::string>(), /*quoted=*/true);
  if (json.is_number_float()) return Value::scalar(number_text(json.get<double>()));
  if (json.is_number() || json.is_boolean()) return Value::scalar(json.dump());
  Value value;
  if (json.is_array()) {
    value = Value::list();
    for (const Json& item : json) value.items.push_back(value_of(item));
  } else if (json.is_object()) {
    value = Value::map();
    for (const auto& [key, item] : json.items()) value.members.push_back({key, {}, value_of(item)});
  }
  return value;
}

Json json_of(const Choice& choice) {
  Value value;
  detail::write_choice(choice, value);
  return json_of(value);
}

Choice choice_of(const Json& json, const Variants& variants, const std::string& path) {
  return choose(variants, value_of(json), path);
}

}  // namespace onecycle
