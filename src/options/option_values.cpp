#include "onecycle/error.h"
#include "onecycle/options.h"
#include "onecycle/registry.h"

#include "core/text/format.h"
#include "core/text/number.h"
#include "options/value_json.h"

#include <algorithm>

// How maps, lists, choices and parts of a recipe become options, and the other way round.
namespace onecycle {

namespace detail {

namespace {

// "a, b or c"
std::string alternatives(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

std::string known_names(const std::string& nearest, const std::vector<std::string>& known) {
  const std::string allowed = joined(known);
  return nearest.empty() ? format("known: {}", allowed)
                         : format("did you mean '{}'? known: {}", nearest, allowed);
}

std::string unknown_name(const std::string& name, const std::vector<std::string>& known) {
  return known_names(nearest_name(name, known), known);
}

// The key of a choice that was to be `name`, or nullptr.
const Value::Member* misspelt_name(const Value& given, const OptionDescription& option) {
  for (const Value::Member& member : given.members) {
    const bool is_option = std::any_of(
        option.variants.begin(), option.variants.end(),
        [&](const Variant& variant) { return variant.options->find(member.key) != nullptr; });
    if (!is_option && !nearest_name(member.key, {"name"}).empty()) return &member;
  }
  return nullptr;
}

}  // namespace

std::string join_path(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

std::string item_path(const std::string& path, std::size_t index) {
  return format("{}[{}]", path, index);
}

std::string enum_schema(const std::vector<std::string>& names) {
  return R"({"enum":[")" + joined(names, "\",\"") + "\"]}";
}

std::string enum_alternatives(const std::vector<std::string>& names) { return alternatives(names); }

bool is_null(const Value& value) {
  if (value.is_null()) return true;
  if (value.written.empty()) return false;
  const std::string& text = value.text;
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

std::optional<std::size_t> list_size(const Value& value) {
  const bool from_environment =
      !value.written.empty() && (!value.items.empty() || value.text == "[]");
  return value.is_list() || from_environment ? std::optional(value.items.size()) : std::nullopt;
}

const Value& list_item(const Value& list, std::size_t index) { return list.items.at(index); }

void become_list(Value& value) { value = Value::list(); }

Value& add_item(Value& list) { return list.items.emplace_back(); }

std::optional<std::size_t> read_word(const Value& value, const std::string& path,
                                     const std::vector<std::string>& names, Problems& problems) {
  const auto found =
      value.is_scalar() ? std::find(names.begin(), names.end(), value.text) : names.end();
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  const std::string nearest = value.is_scalar() ? nearest_name(value.text, names) : "";
  report_got(value, path,
             "expected " + alternatives(names) +
                 (nearest.empty() ? "" : format(" (nearest: {})", nearest)),
             problems);
  return std::nullopt;
}

void write_word(const std::string& word, Value& to) { to = Value::scalar(word); }

const Value* member(const Value& map, const std::string& key) { return map.find(key); }

const Value& nearest_to(const Value& map, const std::string& path) {
  const std::size_t end = path.find_first_of(".[");
  const Value* found = map.find(path.substr(0, end));
  if (found == nullptr) return map;
  if (end == std::string::npos) return *found;
  std::size_t next = end + 1;
  if (path[end] == '[') {
    const std::size_t close = path.find(']', end);
    const auto index =
        static_cast<std::size_t>(parse_integer(path.substr(end + 1, close - end - 1)).value_or(0));
    if (!found->is_list() || index >= found->items.size()) return *found;
    found = &found->items[index];
    next = close + 1;
    if (next < path.size() && path[next] == '.') ++next;
  }
  return next < path.size() ? nearest_to(*found, path.substr(next)) : *found;
}

Value& add_member(Value& map, const std::string& key) {
  return map.members.emplace_back(Value::Member{key, {}, {}}).value;
}

void become_map(Value& value) { value = Value::map(); }

void with_null(const Value& given, const std::function<void(const Value&)>& call) {
  Value absent;
  absent.at = given.at;
  call(absent);
}

void report(const Value& about, const std::string& path, const std::string& message,
            Problems& problems) {
  problems.add(about.at, path, message);
}

void report_got(const Value& given, const std::string& path, const std::string& wanted,
                Problems& problems) {
  problems.add(given.at, path, wanted + ", got " + given.described());
}

std::size_t count(const Problems& problems) { return problems.size(); }

void set_default(OptionDescription& option, const std::function<void(Value&)>& write) {
  Value value;
  write(value);
  option.default_text = flow_text(value);
  option.default_json = json_of(value).dump();
}

bool is_among(const std::string& name, const std::vector<std::string>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<std::string> check_map(const Value& given, const std::string& path,
                                   const KnownKeys& known, Problems& problems) {
  if (given.is_null()) return {};
  if (!given.is_map()) {
    problems.add(given.at, path, "expected a map of options, got " + given.described());
    return {};
  }
  constexpr std::size_t kHints = 20;  // looking for a near name takes its time
  std::size_t unknown = 0;
  std::vector<std::string> names = known.options;
  names.insert(names.end(), known.taken_out.begin(), known.taken_out.end());
  std::vector<std::string> meant;
  for (const auto& member : given.members) {
    if (is_among(member.key, known.options)) continue;
    std::string message = "unknown key";
    if (++unknown <= kHints && !is_among(member.key, known.taken_out)) {
      meant.push_back(nearest_name(member.key, names));
      message += "; " + known_names(meant.back(), names);
    }
    problems.add(member.at, join_path(path, member.key), message);
  }
  return meant;
}

bool check_list(const Value& given, const std::string& path, Problems& problems) {
  if (!given.is_list())
    problems.add(given.at, path, "expected a list of maps, got " + given.described());
  return given.is_list();
}

Choice read_choice(const Value& given, const std::string& path, const OptionDescription& option,
                   Problems& problems) {
  std::vector<std::string> known;
  for (const Variant& variant : option.variants) known.push_back(variant.name);
  Choice choice{option.default_text};
  Value options = given;
  if (given.is_scalar()) {
    choice.name = given.text;
    options = Value::map();
    options.at = given.at;
  } else if (given.is_map()) {
    if (const Value* name = given.find("name")) {
      if (!name->is_scalar()) {
        problems.add(name->at, join_path(path, "name"), "expected " + alternatives(known));
        return choice;
      }
      choice.name = name->text;
      options.erase("name");
    } else if (const Value::Member* misspelt = misspelt_name(given, option)) {
      problems.add(misspelt->at, join_path(path, misspelt->key),
                   "unknown key; did you mean 'name'? known names: " + joined(known));
      return choice;
    }
  } else if (given.is_list()) {
    problems.add(given.at, path, "expected a name or a map with a name, got a list");
    return choice;
  }
  for (const Variant& variant : option.variants) {
    if (variant.name == choice.name)
      return {choice.name, variant.options->read(options, path, problems), variant.options};
  }
  const Value* name = given.find("name");
  if (choice.name.empty()) {
    problems.add(given.at, join_path(path, "name"),
                 format("is required: {}; known: {}", option.meaning, joined(known)));
  } else {
    problems.add(name ? name->at : given.at, join_path(path, "name"),
                 format("unknown name '{}'; {}", choice.name, unknown_name(choice.name, known)));
  }
  return choice;
}

namespace {

// What a part of several is given: nothing where it is left out.
std::optional<Value> part_options(const Value& given, const Variant& variant) {
  if (given.is_map()) return given;
  const bool bare = given.is_scalar() && !given.quoted;
  if (given.is_null() || (bare && given.text == "false")) return std::nullopt;
  Value options = Value::map();
  options.at = given.at;
  if (bare && given.text == "true") return options;
  if (!variant.options->options.empty())
    options.members.push_back({variant.options->options.front().name, given.at, given});
  return options;
}

struct NamedPart {
  std::string name;
  Position at;
  Value given;
};

std::vector<NamedPart> named_parts(const Value& given, const std::string& path,
                                   Problems& problems) {
  std::vector<NamedPart> named;
  const auto add = [&](const Value& map) {
    for (const Value::Member& member : map.members)
      named.push_back({member.key, member.at, member.value});
  };
  if (given.is_map()) add(given);
  for (std::size_t i = 0; i < given.items.size(); ++i) {
    const Value& item = given.items[i];
    if (item.is_scalar()) {
      named.push_back({item.text, item.at, Value::scalar("true")});
      named.back().given.at = item.at;
    } else if (item.is_map() && item.members.size() == 1) {
      add(item);
    } else {
      report_got(item, item_path(path, i), "expected a name, or a map of one", problems);
    }
  }
  if (given.is_scalar()) report_got(given, path, "expected a map of names and options", problems);
  return named;
}

}  // namespace

std::vector<Choice> read_parts(const Value& given, const std::string& path,
                               const OptionDescription& option, Problems& problems) {
  std::vector<std::optional<Choice>> found(option.variants.size());
  std::vector<std::string> known;
  for (const Variant& variant : option.variants) known.push_back(variant.name);
  for (const NamedPart& part : named_parts(given, path, problems)) {
    const std::string inner = join_path(path, part.name);
    const auto index =
        static_cast<std::size_t>(std::find(known.begin(), known.end(), part.name) - known.begin());
    if (index == known.size()) {
      problems.add(part.at, inner, "unknown name; " + unknown_name(part.name, known));
      continue;
    }
    const Variant& variant = option.variants[index];
    const auto options = part_options(part.given, variant);
    if (!options) continue;
    if (found[index]) problems.add(part.at, inner, "is given twice");
    found[index] =
        Choice(part.name, variant.options->read(*options, inner, problems), variant.options);
  }
  std::vector<Choice> parts;
  for (const auto& part : found)
    if (part) parts.push_back(*part);
  return parts;
}

void write_parts(const std::vector<Choice>& parts, Value& to) {
  to = Value::map();
  for (const Choice& part : parts) to.set(part.name, options_of(part));
}

void write_choice(const Choice& choice, Value& to) {
  to = Value::map();
  to.set("name", Value::scalar(choice.name));
  for (const auto& member : options_of(choice).members) to.set(member.key, member.value);
}

std::string flow_text(const Value& value) {
  switch (value.kind) {
    case Value::Kind::null:
      return "null";
    case Value::Kind::scalar:
      return value.quoted && value.text.empty() ? "''" : value.text;
    case Value::Kind::list:
      return "[" + joined(value.items, ", ", flow_text) + "]";
    case Value::Kind::map: {
      const auto text_of = [](const auto& member) {
        return member.key + ": " + flow_text(member.value);
      };
      return "{" + joined(value.members, ", ", text_of) + "}";
    }
  }
  return "";
}

}  // namespace detail

// ---- Choices -----------------------------------------------------------------------------------

Choice choose(const Variants& variants, const std::string& name, const Value& options,
              const std::string& path) {
  Value given = options.is_null() ? Value::map() : options;
  given.set("name", Value::scalar(name));
  return choose(variants, given, path);
}

Choice choose(const Variants& variants, const Value& given, const std::string& path) {
  OptionDescription option;
  option.variants = variants;
  Problems problems;
  Choice choice = detail::read_choice(given, path, option, problems);
  problems.throw_if_any();
  return choice;
}

std::string Choice::text() const { return detail::flow_text(options_of(*this)); }

Value options_of(const Choice& choice) {
  Value result = Value::map();
  if (choice.group()) choice.group()->write(choice.options(), result);
  return result;
}

bool takes(const Choice& choice, Change change) {
  if (!choice.group()) return false;
  const auto& known = choice.group()->changes;
  return std::any_of(known.begin(), known.end(),
                     [&](const auto& one) { return one.first == change; });
}

void change(Choice& choice, const std::vector<std::pair<Change, double>>& changes,
            const std::string& path) {
  if (!choice.group()) throw Error("the options of '" + choice.name + "' were not read");
  std::any options = choice.options();
  for (const auto& [asked, value] : changes)
    for (const auto& [known, make] : choice.group()->changes)
      if (known == asked) make(options, value);
  Value written;
  choice.group()->write(options, written);
  Problems problems;
  (void)choice.group()->read(written, path, problems);
  problems.throw_if_any();
  choice = {choice.name, std::move(options), choice.group()};
}

}  // namespace onecycle
