#include "yaml/yaml.h"

#include "onecycle/error.h"
#include "onecycle/options.h"

#include "core/files/paths.h"
#include "core/text/format.h"
#include "core/text/number.h"
#include "yaml/yaml_builder.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <yaml-cpp/yaml.h>

namespace onecycle {

namespace {

constexpr std::size_t kLargestFile = 1 << 20;

bool reads_as_plain_text(const std::string& text) {
  if (text.empty() || parse_number(text)) return false;
  for (const char* word : {"true", "True", "TRUE", "false", "False", "FALSE", "null", "Null",
                           "NULL", "~", "yes", "no", "on", "off"})
    if (text == word) return false;
  return true;
}

using Comments = std::map<std::string, std::string>;

// `path`: of the value.
void emit(const Value& value, const std::string& path, const Comments& comments,
          YAML::Emitter& out) {
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
      for (const Value& item : value.items) emit(item, "", {}, out);
      out << YAML::EndSeq;
      break;
    case Value::Kind::map:
      if (value.members.empty()) out << YAML::Flow;  // {} in its key's line
      out << YAML::BeginMap;
      for (const auto& member : value.members) {
        out << YAML::Key << member.key << YAML::Value;
        const std::string inner = detail::join_path(path, member.key);
        emit(member.value, inner, comments, out);
        const auto comment = comments.find(inner);
        if (comment != comments.end() && member.value.is_null())
          out << YAML::Comment(comment->second);
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
  YamlBuilder builder(name);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    throw RecipeError(
        format("{}: not valid YAML: {}", builder.position(error.mark).text(), error.msg));
  }
  Value value = builder.take();
  if (value.is_null()) value.at = {name, 1, 1};
  return value;
}

Value read_yaml_file(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    throw RecipeError(path + ": is a folder; name a YAML file in it");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw RecipeError(format("{}: cannot be read: {}", path, why_unread(path, errno)));
  std::string text(kLargestFile + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) throw RecipeError(path + ": reading failed");
  return parse_yaml(text, path);
}

std::string write_yaml(const Value& value, const std::map<std::string, std::string>& comments) {
  YAML::Emitter out;
  emit(value, "", comments, out);
  return std::string(out.c_str()) + "\n";
}

}  // namespace onecycle
