#include "yaml/document.h"

#include "onecycle/error.h"

#include "core/files/paths.h"
#include "core/text/format.h"
#include "yaml/yaml.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <unordered_map>

namespace onecycle {

namespace {

constexpr std::size_t kMostBases = 16;

// The sections whose `name` decides which other keys they have.
bool has_variants(const std::string& path) {
  return path == "task" || path == "model" || path == "optimizer" || path == "schedule" ||
         path == "data.format";
}

bool names_another_variant(const Value& base, const Value& over) {
  const Value* over_name = over.find("name");
  if (over_name == nullptr) return false;
  const Value* base_name = base.find("name");
  return base_name == nullptr || base_name->text != over_name->text;
}

void merge(Value& base, const Value& over, const std::string& path) {
  if (has_variants(path) && base.is_scalar() && over.is_map() && over.find("name") == nullptr) {
    Value named = Value::map();  // `model: mlp` is short for `model: {name: mlp}`
    named.at = base.at;
    named.set("name", base);
    base = std::move(named);
  }
  if (!base.is_map() || !over.is_map() ||
      (has_variants(path) && names_another_variant(base, over))) {
    base = over;
    return;
  }
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < base.members.size(); ++i) places.emplace(base.members[i].key, i);
  for (const auto& member : over.members) {
    const auto place = places.find(member.key);
    if (place == places.end()) {
      base.members.push_back(member);
    } else {
      merge(base.members[place->second].value, member.value,
            path.empty() ? member.key : path + "." + member.key);
    }
  }
}

Value read_chain(const std::string& path, std::vector<std::filesystem::path>& chain) {
  const auto canonical = std::filesystem::weakly_canonical(path);
  if (std::find(chain.begin(), chain.end(), canonical) != chain.end())
    throw RecipeError(path + ": `extends` comes back to itself");
  if (chain.size() >= kMostBases)
    throw RecipeError(format("{}: more than {} files extend one another", path, kMostBases));
  chain.push_back(canonical);

  Value document = read_yaml_file(path);
  if (!document.is_map() && !document.is_null())
    throw RecipeError(path + ": a recipe is a map of sections, got " + document.described());
  const Value* extends = document.find("extends");
  if (extends == nullptr) return document;
  if (!extends->is_scalar())
    throw RecipeError(format("{}: extends: expected the path of a recipe, got {}",
                             extends->at.text(), extends->described()));
  const auto base_path = std::filesystem::path(path).parent_path() / extends->text;
  if (!std::filesystem::exists(base_path))
    throw RecipeError(format("{}: extends: {}: {}", extends->at.text(), base_path.string(),
                             why_unread(base_path.string(), ENOENT)));
  Value base = read_chain(base_path.string(), chain);
  document.erase("extends");
  merge(base, document, "");
  return base;
}

// Replaces ${NAME} and ${NAME:-default} in one scalar; $${ stands for a literal ${.
std::string interpolated(const std::string& text, const Position& at, bool& names_variable) {
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    if (text.compare(i, 3, "$${") == 0) {
      result += "${";
      i += 3;
      continue;
    }
    if (text.compare(i, 2, "${") != 0) {
      result += text[i++];
      continue;
    }
    names_variable = true;
    const std::size_t end = text.find('}', i);
    if (end == std::string::npos)
      throw RecipeError(format("{}: '{}' has a ${{ without its }}", at.text(), text));
    const std::string inside = text.substr(i + 2, end - i - 2);
    const std::size_t separator = inside.find(":-");
    const std::string name = inside.substr(0, separator);
    if (const char* found = std::getenv(name.c_str()); found != nullptr && *found != '\0') {
      result += found;
    } else if (separator != std::string::npos) {
      result += inside.substr(separator + 2);
    } else {
      throw RecipeError(
          format("{}: the environment variable {} is not set; export it, or write "
                 "${{{}:-default}}",
                 at.text(), name, name));
    }
    i = end + 1;
  }
  return result;
}

void place(Value& value, const Position& at) {
  value.at = at;
  for (Value& item : value.items) place(item, at);
  for (auto& member : value.members) {
    member.at = at;
    place(member.value, at);
  }
}

// What a text of the environment is where a list of scalars is wanted; nothing where it is none.
std::vector<Value> items_in(const std::string& text, const Position& at) {
  if (!text.starts_with('[')) return {};
  try {
    Value list = parse_yaml(text, "");
    place(list, at);
    const bool is_flat = std::all_of(list.items.begin(), list.items.end(),
                                     [](const Value& item) { return item.is_scalar(); });
    return is_flat ? list.items : std::vector<Value>();
  } catch (const RecipeError&) {
    return {};
  }
}

}  // namespace

Value read_with_bases(const std::string& path) {
  std::vector<std::filesystem::path> chain;
  return read_chain(path, chain);
}

void apply_override(Value& document, const std::string& assignment) {
  const std::string shown = "--set " + assignment;
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0)
    throw UsageError(format("{}: expected key=value, like --set schedule.lr_max=0.5", shown));
  const std::string key = assignment.substr(0, equals);
  Value value = parse_yaml(assignment.substr(equals + 1), shown);
  place(value, {shown});

  Value over = Value::map();
  over.at = {shown};
  Value* target = &over;
  for (std::size_t begin = 0;;) {
    const std::size_t dot = key.find('.', begin);
    const std::string part = key.substr(begin, dot == std::string::npos ? dot : dot - begin);
    if (part.empty())
      throw UsageError(format("{}: '{}' is not a key; write it like schedule.lr_max", shown, key));
    Value inner = dot == std::string::npos ? value : Value::map();
    inner.at = {shown};
    target->set(part, std::move(inner));
    if (dot == std::string::npos) break;
    target = target->find(part);
    begin = dot + 1;
  }
  if (document.is_null()) document = Value::map();
  merge(document, over, "");
}

void interpolate_environment(Value& value) {
  if (value.is_scalar() && value.text.find("${") != std::string::npos) {
    bool names_variable = false;
    std::string text = interpolated(value.text, value.at, names_variable);
    check_text(text, value.at);
    if (names_variable) {
      value.written = std::move(value.text);
      value.quoted = false;  // its type is for the option to tell
      value.items = items_in(text, value.at);
    }
    value.text = std::move(text);
    return;
  }
  for (Value& item : value.items) interpolate_environment(item);
  for (auto& member : value.members) interpolate_environment(member.value);
}

void escape_environment(Value& value) {
  if (!value.written.empty()) {
    value = value.as_written();
    return;
  }
  for (std::size_t at = 0; (at = value.text.find("${", at)) != std::string::npos; at += 3)
    value.text.insert(at, 1, '$');
  for (Value& item : value.items) escape_environment(item);
  for (auto& member : value.members) escape_environment(member.value);
}

std::string without_escapes(std::string text) {
  for (std::size_t at = 0; (at = text.find("$${", at)) != std::string::npos; at += 2)
    text.erase(at, 1);
  return text;
}

Value load_document(const std::string& path, const std::vector<std::string>& overrides) {
  Value document = read_with_bases(path);
  for (const std::string& assignment : overrides) apply_override(document, assignment);
  interpolate_environment(document);
  return document;
}

}  // namespace onecycle
