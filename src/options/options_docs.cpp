#include "onecycle/options.h"

#include "core/text/format.h"
#include "core/text/json.h"

#include <cctype>

namespace onecycle {

namespace {

std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
    text.replace(at, 1, "\\|");
  return text;
}

// A meaning as a sentence of its own.
std::string sentence(std::string text) {
  if (text.empty()) return text;
  text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  return text.back() == '.' ? text : text + ".";
}

void write_table(const OptionGroup& group, const std::string& path, std::string& out);

void write_row(const OptionDescription& option, const std::string& path, std::string& out) {
  std::string type = option.type;
  if (const std::string range = option.range.text(); !range.empty()) type += ", " + range;
  if (!option.unit.empty()) type += " (" + option.unit + ")";
  const std::string fallback = option.required ? "*required*" : "`" + option.default_text + "`";
  out += format("| `{}` | {} | {} | {} |\n", detail::join_path(path, option.name), cell(type),
                cell(fallback), cell(option.meaning));
}

void write_nested(const OptionDescription& option, const std::string& path, std::string& out) {
  const std::string inner = detail::join_path(path, option.name);
  if (option.section) {
    out += format("\n## `{}`\n\n{}\n", inner, sentence(option.section->meaning));
    write_table(*option.section, inner, out);
  }
  if (option.item) {
    out += format("\n## `{}[]`\n\n{}\n", inner, sentence(option.item->meaning));
    write_table(*option.item, inner + "[]", out);
  }
  if (option.variants.empty()) return;
  out += format("\n## `{}`\n\n{}\n", inner, sentence(option.meaning));
  for (const Variant& variant : option.variants) {
    if (option.several) {
      const std::string part = detail::join_path(inner, variant.name);
      out += format("\n### `{}`\n\n{}\n", part, sentence(variant.meaning));
      write_table(*variant.options, part, out);
      continue;
    }
    out +=
        format("\n### `{}: {{name: {}}}`\n\n{}\n", inner, variant.name, sentence(variant.meaning));
    write_table(*variant.options, inner, out);
  }
}

void write_table(const OptionGroup& group, const std::string& path, std::string& out) {
  const auto plain = [](const OptionDescription& option) {
    return !option.section && option.variants.empty();
  };
  bool headed = false;
  for (const auto& option : group.options) {
    if (!plain(option)) continue;
    if (!headed) out += "\n| key | type | default | meaning |\n|---|---|---|---|\n";
    headed = true;
    write_row(option, path, out);
  }
  if (group.options.empty()) out += "\nNo options.\n";
  for (const auto& option : group.options) write_nested(option, path, out);
}

Json schema_of(const OptionGroup& group);
Json option_schema(const OptionDescription& option);

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

Json choice_schema(const OptionDescription& option) {
  Json names = Json::array();
  Json alternatives = Json::array();
  for (const Variant& variant : option.variants) {
    Json schema = schema_of(*variant.options);
    schema["properties"]["name"] = {{"const", variant.name}};
    if (variant.name != option.default_text) schema["required"].push_back("name");
    schema["description"] = variant.meaning;
    alternatives.push_back(std::move(schema));
    names.push_back(variant.name);
  }
  alternatives.push_back({{"enum", names}});
  return {{"anyOf", alternatives}};
}

// {pad_crop: {pixels: 4}, flip: true}, or [{pad_crop: 4}, flip].
Json parts_schema(const OptionDescription& option) {
  Json map = {{"type", "object"}, {"additionalProperties", false}};
  Json names = Json::array();
  for (const Variant& variant : option.variants) {
    Json alternatives = Json::array({schema_of(*variant.options), {{"type", "boolean"}}});
    if (!variant.options->options.empty())
      alternatives.push_back(option_schema(variant.options->options.front()));
    map["properties"][variant.name] = {{"anyOf", alternatives}, {"description", variant.meaning}};
    names.push_back(variant.name);
  }
  Json item = map;
  item["minProperties"] = item["maxProperties"] = 1;
  Json list = {{"type", "array"}, {"items", {{"anyOf", {{{"enum", names}}, item}}}}};
  return {{"anyOf", {map, list}}};
}

Json option_schema(const OptionDescription& option) {
  if (option.section) return schema_of(*option.section);
  Json schema;
  if (option.item) {
    schema = {{"type", "array"}, {"items", schema_of(*option.item)}};
  } else {
    schema = option.several            ? parts_schema(option)
             : option.variants.empty() ? Json::parse(option.schema)
                                       : choice_schema(option);
  }
  add_range(option.range, schema);
  schema["description"] = option.meaning + (option.unit.empty() ? "" : " (" + option.unit + ")");
  if (!option.required && option.variants.empty())
    schema["$comment"] = "default: " + option.default_text;
  return schema;
}

Json schema_of(const OptionGroup& group) {
  Json schema = {{"type", "object"}, {"description", group.meaning}};
  schema["properties"] = Json::object();
  schema["additionalProperties"] = false;
  for (const auto& option : group.options) {
    schema["properties"][option.name] = option_schema(option);
    if (option.required) schema["required"].push_back(option.name);
  }
  return schema;
}

}  // namespace

std::string markdown_of(const OptionGroup& group) {
  std::string out = format("# {}\n\n{}\n", group.name, sentence(group.meaning));
  write_table(group, "", out);
  return out;
}

std::string json_schema_of(const OptionGroup& group) {
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"}};
  schema.update(schema_of(group));
  return schema.dump(2) + "\n";
}

}  // namespace onecycle
