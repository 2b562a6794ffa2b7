#include "onecycle/options.h"

#include "core/text/json.h"

// The JSON Schema of described options. What is required stands in a tree of its own: a recipe that
// extends another may leave all of it to that one.
namespace onecycle {

namespace {

// A value that the environment gives, of whatever type.
constexpr const char* kFromEnvironment = R"(\$\{)";

Json properties_of(const OptionGroup& group);
Json option_schema(const OptionDescription& option);
Json needs_of(const OptionGroup& group);

void add_range(const Range& range, Json& schema) {
  const auto bounded = [&](Json& target) {
    if (range.low != -kUnbounded)
      target[range.low_open ? "exclusiveMinimum" : "minimum"] = range.low;
    if (range.high != kUnbounded)
      target[range.high_open ? "exclusiveMaximum" : "maximum"] = range.high;
  };
  const auto numeric = [](const Json& target) {
    return target.contains("type") && (target["type"] == "number" || target["type"] == "integer");
  };
  if (numeric(schema)) bounded(schema);
  if (schema.contains("anyOf"))
    for (Json& alternative : schema["anyOf"])
      if (numeric(alternative)) bounded(alternative);
}

// Wherever a plain option or an item of its list is no text, "${NAME}" may stand for it.
Json with_environment(Json schema) {
  if (schema.contains("items")) schema["items"] = with_environment(schema["items"]);
  if (schema.value("type", "") == "string" && !schema.contains("pattern")) return schema;
  const Json variable = {{"type", "string"}, {"pattern", kFromEnvironment}};
  if (!schema.contains("anyOf")) return {{"anyOf", {schema, variable}}};
  for (Json& alternative : schema["anyOf"]) {
    if (alternative.contains("items"))
      alternative["items"] = with_environment(alternative["items"]);
    if (alternative.value("type", "") == "string" && !alternative.contains("pattern"))
      return schema;
  }
  schema["anyOf"].push_back(variable);
  return schema;
}

// Without `name` it is whatever the recipe that this one extends has.
Json choice_schema(const OptionDescription& option) {
  Json names = Json::array();
  Json alternatives = Json::array();
  for (const Variant& variant : option.variants) {
    Json schema = properties_of(*variant.options);
    schema["properties"]["name"] = {{"const", variant.name}};
    schema["description"] = variant.meaning;
    alternatives.push_back(std::move(schema));
    names.push_back(variant.name);
  }
  alternatives.push_back({{"enum", names}});
  return {{"anyOf", alternatives}};
}

// Lists replace those of a recipe that is extended: an item is always whole.
Json whole(const OptionGroup& item) {
  Json schema = properties_of(item);
  schema.update(needs_of(item), /*merge_objects=*/true);
  return schema;
}

Json parts_map(const OptionDescription& option, Json (*options_of_part)(const OptionGroup&)) {
  Json map = {{"type", "object"}, {"additionalProperties", false}};
  for (const Variant& variant : option.variants) {
    Json alternatives = Json::array({options_of_part(*variant.options), {{"type", "boolean"}}});
    if (!variant.options->options.empty())
      alternatives.push_back(option_schema(variant.options->options.front()));
    map["properties"][variant.name] = {{"anyOf", alternatives}, {"description", variant.meaning}};
  }
  return map;
}

// {pad_crop: {pixels: 4}, flip: true}, or [{pad_crop: 4}, flip].
Json parts_schema(const OptionDescription& option) {
  Json names = Json::array();
  for (const Variant& variant : option.variants) names.push_back(variant.name);
  Json item = parts_map(option, whole);
  item["minProperties"] = item["maxProperties"] = 1;
  Json list = {{"type", "array"}, {"items", {{"anyOf", {{{"enum", names}}, item}}}}};
  return {{"anyOf", {parts_map(option, properties_of), list}}};
}

Json option_schema(const OptionDescription& option) {
  if (option.section) return properties_of(*option.section);
  Json schema;
  if (option.item) {
    schema = {{"type", "array"}, {"items", whole(*option.item)}};
  } else if (option.several) {
    schema = parts_schema(option);
  } else if (!option.variants.empty()) {
    schema = choice_schema(option);
  } else {
    schema = Json::parse(option.schema);
    add_range(option.range, schema);
    schema = with_environment(std::move(schema));
  }
  schema["description"] = option.meaning + (option.unit.empty() ? "" : " (" + option.unit + ")");
  if (!option.required && !option.default_json.empty())
    schema["default"] = Json::parse(option.default_json);
  return schema;
}

// All that the group may hold, none of it required.
Json properties_of(const OptionGroup& group) {
  Json schema = {{"type", "object"}, {"description", group.meaning}};
  schema["properties"] = Json::object();
  schema["additionalProperties"] = false;
  for (const auto& option : group.options)
    schema["properties"][option.name] = option_schema(option);
  return schema;
}

// The name, and what the variant of that name requires.
Json needs_of_choice(const OptionDescription& option) {
  Json needs = Json::object();
  bool has_default = false;
  for (const Variant& variant : option.variants) {
    const bool is_default = variant.name == option.default_text;
    has_default = has_default || is_default;
    const Json inner = needs_of(*variant.options);
    if (inner.empty()) continue;
    Json named = {{"type", "object"}, {"properties", {{"name", {{"const", variant.name}}}}}};
    if (!is_default) named["required"] = Json::array({"name"});
    needs["allOf"].push_back({{"if", named}, {"then", inner}});
  }
  if (!has_default) needs["required"] = Json::array({"name"});
  return needs;
}

// What the group requires, itself and in its sections, as a schema that says nothing else.
Json needs_of(const OptionGroup& group) {
  Json needs = Json::object();
  for (const auto& option : group.options) {
    if (option.required) needs["required"].push_back(option.name);
    Json inner = Json::object();
    if (option.section) {
      inner = needs_of(*option.section);
    } else if (option.several) {
      for (const Variant& variant : option.variants)
        if (Json needed = needs_of(*variant.options); !needed.empty())
          inner["properties"][variant.name] = std::move(needed);
    } else if (!option.variants.empty()) {
      inner = needs_of_choice(option);
    }
    if (!inner.empty()) needs["properties"][option.name] = std::move(inner);
  }
  return needs;
}

}  // namespace

std::string json_schema_of(const OptionGroup& group) {
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"}};
  schema.update(properties_of(group));
  const Json needs = needs_of(group);
  if (group.find("extends") == nullptr) {
    schema.update(needs, /*merge_objects=*/true);
  } else if (!needs.empty()) {
    schema["if"]["not"]["required"] = Json::array({"extends"});
    schema["then"] = needs;
  }
  return schema.dump(2) + "\n";
}

}  // namespace onecycle
