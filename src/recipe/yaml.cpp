#include "recipe/yaml.h"

#include "onecycle/error.h"

#include "core/format.h"
#include "core/number.h"

#include <filesystem>
#include <fstream>
#include <yaml-cpp/yaml.h>

namespace onecycle {

namespace {

constexpr std::size_t kLargestFile = 1 << 20;
constexpr int kDeepest = 32;
constexpr int kMostValues = 100'000;

class Converter {
 public:
  explicit Converter(std::string name) : name_(std::move(name)) {}

  Value convert(const YAML::Node& node, int depth = 0) {
    const Position at = position(node.Mark());
    if (depth > kDeepest)
      throw RecipeError(format("{}: nested deeper than {} levels", at.text(), kDeepest));
    if (++num_values_ > kMostValues)
      throw RecipeError(
          format("{}: more than {} values once aliases are expanded", at.text(), kMostValues));
    Value value = convert_kind(node, depth);
    value.at = at;
    return value;
  }

  Position position(const YAML::Mark& mark) const {
    return mark.is_null() ? Position{name_} : Position{name_, mark.line + 1, mark.column + 1};
  }

 private:
  Value convert_kind(const YAML::Node& node, int depth) {
    if (node.IsScalar()) return Value::scalar(node.Scalar(), node.Tag() == "!");
    if (node.IsSequence()) {
      Value value = Value::list();
      for (const auto& item : node) value.items.push_back(convert(item, depth + 1));
      return value;
    }
    if (node.IsMap()) return convert_map(node, depth);
    return {};
  }

  Value convert_map(const YAML::Node& node, int depth) {
    Value value = Value::map();
    for (const auto& entry : node) {
      const Position at = position(entry.first.Mark());
      if (!entry.first.IsScalar()) throw RecipeError(at.text() + ": a key must be a plain name");
      const std::string& key = entry.first.Scalar();
      for (const auto& member : value.members)
        if (member.key == key)
          throw RecipeError(format("{}: duplicate key '{}', first given on line {}", at.text(), key,
                                   member.at.line));
      value.members.push_back({key, at, convert(entry.second, depth + 1)});
    }
    return value;
  }

  std::string name_;
  int num_values_ = 0;
};

bool reads_as_plain_text(const std::string& text) {
  if (text.empty() || parse_number(text)) return false;
  for (const char* word : {"true", "True", "TRUE", "false", "False", "FALSE", "null", "Null",
                           "NULL", "~", "yes", "no", "on", "off"})
    if (text == word) return false;
  return true;
}

void emit(const Value& value, YAML::Emitter& out) {
  switch (value.kind) {
    case Value::Kind::null:
      out << YAML::Null;
      break;
    case Value::Kind::scalar:
      if (value.quoted && !reads_as_plain_text(value.text)) out << YAML::DoubleQuoted;
      out << value.text;
      break;
    case Value::Kind::list:
      out << YAML::Flow << YAML::BeginSeq;
      for (const Value& item : value.items) emit(item, out);
      out << YAML::EndSeq;
      break;
    case Value::Kind::map:
      out << YAML::BeginMap;
      for (const auto& member : value.members) {
        out << YAML::Key << member.key << YAML::Value;
        emit(member.value, out);
      }
      out << YAML::EndMap;
      break;
  }
}

}  // namespace

Value parse_yaml(const std::string& text, const std::string& name) {
  if (text.size() > kLargestFile)
    throw RecipeError(
        format("{}: {} bytes; a recipe has at most {}", name, text.size(), kLargestFile));
  Converter converter(name);
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() > 1) throw RecipeError(name + ": several YAML documents; a recipe is one");
    if (documents.empty()) {
      Value nothing;
      nothing.at = {name, 1, 1};
      return nothing;
    }
    return converter.convert(documents.front());
  } catch (const YAML::Exception& error) {
    throw RecipeError(
        format("{}: not valid YAML: {}", converter.position(error.mark).text(), error.msg));
  }
}

Value read_yaml_file(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    throw RecipeError(path + ": is a folder; name a YAML file in it");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw RecipeError(path + ": cannot be read: no such file, or no permission");
  std::string text(kLargestFile + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) throw RecipeError(path + ": reading failed");
  return parse_yaml(text, path);
}

std::string write_yaml(const Value& value) {
  YAML::Emitter out;
  emit(value, out);
  return std::string(out.c_str()) + "\n";
}

}  // namespace onecycle
