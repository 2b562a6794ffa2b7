#pragma once

#include "onecycle/option_group.h"
#include "onecycle/option_types.h"

#include <any>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

// Every option is described once, by the part that owns it, as a member of a struct of its own. The
// description reads and checks a recipe (options.h), writes the resolved one, and makes
// docs/recipe.md and the JSON Schema.
namespace onecycle {

namespace detail {

template <class T>
struct EnumIn {};
template <class T>
requires std::is_enum_v<T>
struct EnumIn<T> {
  using type = T;
  static constexpr bool optional = false;
};
template <class T>
requires std::is_enum_v<T>
struct EnumIn<std::optional<T>> {
  using type = T;
  static constexpr bool optional = true;
};

// The keys that a map may have, and those that are taken out of it before it is read.
struct KnownKeys {
  std::vector<std::string> options;
  std::vector<std::string> taken_out;
};
// Adds a problem for each key that is no option. Returns the known keys that were near.
std::vector<std::string> check_map(const Value& given, const std::string& path,
                                   const KnownKeys& known, Problems& problems);
bool is_among(const std::string& name, const std::vector<std::string>& names);
// Whether `given` is a list; adds a problem where it is not.
bool check_list(const Value& given, const std::string& path, Problems& problems);
// The member of a map, or null.
const Value* member(const Value& map, const std::string& key);
Value& add_member(Value& map, const std::string& key);
// What stands at "lr[1].from", or as near to it as anything does.
const Value& nearest_to(const Value& map, const std::string& path);
void become_map(Value& value);
// Calls with a null that stands where `given` does.
void with_null(const Value& given, const std::function<void(const Value&)>& call);
Choice read_choice(const Value& given, const std::string& path, const OptionDescription& option,
                   Problems& problems);
void write_choice(const Choice& choice, Value& to);
std::vector<Choice> read_parts(const Value& given, const std::string& path,
                               const OptionDescription& option, Problems& problems);
void write_parts(const std::vector<Choice>& parts, Value& to);
void report(const Value& about, const std::string& path, const std::string& message,
            Problems& problems);
// "expected a number, got 'x'"
void report_got(const Value& given, const std::string& path, const std::string& wanted,
                Problems& problems);
std::size_t count(const Problems& problems);
// The default is what `write` makes of a null.
void set_default(OptionDescription& option, const std::function<void(Value&)>& write);
std::string join_path(const std::string& path, const std::string& key);
std::string item_path(const std::string& path, std::size_t index);  // "groups[1]", from 0
}  // namespace detail

// The options that fill one struct S; S{} holds the defaults.
//
//   OptionTable<Sgd> table("sgd", "stochastic gradient descent with momentum");
//   table.add("nesterov", &Sgd::nesterov, "look ahead along the velocity")
//        .add("lr", &Sgd::lr, "constant learning rate").range(above(0));
template <class S>
class OptionTable {
 public:
  // `name`: of the group, and of the part that its variant is.
  OptionTable(std::string name, std::string meaning)
      : group_{std::move(name), std::move(meaning), {}, {}, {}, {}} {}

  // A member of a type that OptionType knows. `meaning`: one line, for docs/recipe.md.
  template <class T>
  OptionTable& add(const std::string& name, T S::*field, const std::string& meaning) {
    OptionDescription option;
    option.name = name;
    option.type = OptionType<T>::name();
    option.schema = OptionType<T>::schema();
    detail::set_default(option, [&](Value& to) { OptionType<T>::write(S{}.*field, to); });
    option.meaning = meaning;
    return put(std::move(option),
               {[field](S& target, const Value& given, const Place& place, Problems& problems) {
                  read_field<T>(target.*field, given, place, problems);
                },
                [field](const S& source, Value& to) { OptionType<T>::write(source.*field, to); }});
  }

  // An enum, or an optional one.
  template <class T>
  OptionTable& add(const std::string& name, T S::*field,
                   const Words<typename detail::EnumIn<T>::type>& words,
                   const std::string& meaning) {
    std::vector<std::string> names;
    for (const auto& [word, value] : words) names.emplace_back(word);
    Field access{
        [field, words, names](S& target, const Value& given, const Place& place,
                              Problems& problems) {
          if (detail::EnumIn<T>::optional && detail::is_null(given)) {
            target.*field = T{};
          } else if (const auto index = detail::read_word(given, place.path, names, problems)) {
            target.*field = words[*index].second;
          }
        },
        [field, words](const S& source, Value& to) {
          const std::optional<typename detail::EnumIn<T>::type> value = source.*field;
          if (value) detail::write_word(word_of(words, *value), to);
        }};
    OptionDescription option = described(name, detail::enum_alternatives(names), meaning);
    option.schema = detail::enum_schema(names);
    if (detail::EnumIn<T>::optional) {
      option.type += " or null";
      option.schema = R"({"anyOf":[)" + option.schema + R"(,{"type":"null"}]})";
    }
    detail::set_default(option, [&](Value& to) { access.write(S{}, to); });
    return put(std::move(option), std::move(access));
  }

  // A struct with a table of its own, whose meaning is the section's.
  template <class Inner>
  OptionTable& add_section(const std::string& name, Inner S::*field,
                           const OptionTable<Inner>& inner) {
    OptionDescription option = described(name, "section", inner.group().meaning);
    option.section = std::make_shared<OptionGroup>(inner.group());
    return put(
        std::move(option),
        {[field, inner](S& target, const Value& given, const Place& place, Problems& problems) {
           target.*field = inner.read(given, place.path, problems);
         },
         [field, inner](const S& source, Value& to) { inner.write_to(source.*field, to); }});
  }

  // A list of maps, each read with `item`, whose meaning is the list's; paths are
  // "groups[1].match".
  template <class Item>
  OptionTable& add_list(const std::string& name, std::vector<Item> S::*field,
                        const OptionTable<Item>& item) {
    Field access{
        [field, item](S& target, const Value& given, const Place& place, Problems& problems) {
          if (!detail::check_list(given, place.path, problems)) return;
          (target.*field).clear();
          for (std::size_t i = 0; i < detail::list_size(given); ++i)
            (target.*field)
                .push_back(item.read(detail::list_item(given, i), detail::item_path(place.path, i),
                                     problems));
        },
        [field, item](const S& source, Value& to) {
          detail::become_list(to);
          for (const Item& one : source.*field) item.write_to(one, detail::add_item(to));
        }};
    OptionDescription option;
    option.name = name;
    option.type = "list of maps";
    detail::set_default(option, [&](Value& to) { access.write(S{}, to); });
    option.meaning = item.group().meaning;
    option.item = std::make_shared<OptionGroup>(item.group());
    return put(std::move(option), std::move(access));
  }

  // One of the variants: its name, or a map of its options and `name`.
  OptionTable& add_choice(const std::string& name, Choice S::*field, const Variants& variants,
                          const std::string& meaning) {
    OptionDescription option = described(name, "choice", meaning);
    option.default_text = (S{}.*field).name;
    if (!option.default_text.empty()) option.default_json = '"' + option.default_text + '"';
    option.variants = variants;
    return put(std::move(option),
               {[field](S& target, const Value& given, const Place& place, Problems& problems) {
                  target.*field = detail::read_choice(given, place.path, place.option, problems);
                },
                [field](const S& source, Value& to) { detail::write_choice(source.*field, to); }});
  }

  // Any number of variants, each at most once: a map from names to options. A value that is not a
  // map is that of the variant's first option, true stands for its defaults, and false or null for
  // its absence. A list of names and of maps of one variant each means the same.
  OptionTable& add_parts(const std::string& name, std::vector<Choice> S::*field,
                         const Variants& variants, const std::string& meaning) {
    OptionDescription option = described(name, "parts", meaning);
    option.default_text = option.default_json = "{}";
    option.variants = variants;
    option.several = true;
    return put(std::move(option),
               {[field](S& target, const Value& given, const Place& place, Problems& problems) {
                  target.*field = detail::read_parts(given, place.path, place.option, problems);
                },
                [field](const S& source, Value& to) { detail::write_parts(source.*field, to); }});
  }

  // This and the next two refine the option added last.
  OptionTable& range(const Range& range) {
    group_.options.back().range = range;
    return *this;
  }
  // What it counts.
  OptionTable& unit(const std::string& unit) {
    group_.options.back().unit = unit;
    return *this;
  }
  // There is no default.
  OptionTable& required() {
    group_.options.back().required = true;
    return *this;
  }

  // What breaks a rule.
  struct Violation {
    std::string option;  // or what is within it: "lr[1].from"
    std::string message;
  };
  // A rule over several options; `check` returns what is wrong, naming the option it is about.
  OptionTable& rule(std::function<std::optional<Violation>(const S&)> check) {
    rules_.push_back(std::move(check));
    return *this;
  }

  // How the options undergo a change; `value` is its number, where it has one.
  OptionTable& on(Change change, std::function<void(S&, double value)> make) {
    group_.changes.emplace_back(change, [make = std::move(make)](std::any& filled, double value) {
      make(std::any_cast<S&>(filled), value);
    });
    return *this;
  }

  // Keys that may stand beside the options, and that whoever reads the map takes out of it first: a
  // message may name them.
  OptionTable& taken_out(std::vector<std::string> keys) {
    taken_out_ = std::move(keys);
    return *this;
  }

  // The struct that a map, or null, fills. Adds to `problems` what is wrong.
  S read(const Value& given, const std::string& path, Problems& problems) const {
    S result{};
    detail::KnownKeys known{{}, taken_out_};
    for (const auto& option : group_.options) known.options.push_back(option.name);
    const std::size_t before = detail::count(problems);
    const auto meant = detail::check_map(given, path, known, problems);
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      const auto& option = group_.options[i];
      const std::string inner = detail::join_path(path, option.name);
      if (const Value* value = detail::member(given, option.name)) {
        fields_[i].read(result, *value, {inner, option}, problems);
      } else if (detail::is_among(option.name, meant)) {
        continue;  // what is wrong is its name, and that is said
      } else if (option.required) {
        detail::report(given, inner, "is required: " + option.meaning, problems);
      } else if (option.section || !option.variants.empty()) {
        detail::with_null(given, [&](const Value& absent) {  // fills the inner defaults
          fields_[i].read(result, absent, {inner, option}, problems);
        });
      }
    }
    if (detail::count(problems) == before) check_rules(result, given, path, problems);
    return result;
  }

  // Every option of the struct, as a map.
  void write_to(const S& source, Value& to) const {
    detail::become_map(to);
    for (std::size_t i = 0; i < fields_.size(); ++i)
      fields_[i].write(source, detail::add_member(to, group_.options[i].name));
  }
  Value write(const S& source) const;  // options.h has it

  // The same options without S, to be held beside other groups.
  OptionGroup group() const {
    OptionGroup result = group_;
    result.read = [table = *this](const Value& given, const std::string& path,
                                  Problems& problems) -> std::any {
      return table.read(given, path, problems);
    };
    result.write = [table = *this](const std::any& filled, Value& to) {
      table.write_to(std::any_cast<const S&>(filled), to);
    };
    return result;
  }
  // The group as one of the variants of a choice.
  Variant variant() const {
    return {group_.name, group_.meaning, std::make_shared<OptionGroup>(group())};
  }

 private:
  // Which option a value is for.
  struct Place {
    const std::string& path;
    const OptionDescription& option;
  };
  struct Field {
    std::function<void(S&, const Value&, const Place&, Problems&)> read;
    std::function<void(const S&, Value& to)> write;
  };

  static OptionDescription described(const std::string& name, const std::string& type,
                                     const std::string& meaning) {
    OptionDescription option;
    option.name = name;
    option.type = type;
    option.meaning = meaning;
    return option;
  }

  OptionTable& put(OptionDescription option, Field access) {
    group_.options.push_back(std::move(option));
    fields_.push_back(std::move(access));
    return *this;
  }

  template <class T>
  static void read_field(T& target, const Value& given, const Place& place, Problems& problems) {
    std::string why;
    const Range& range = place.option.range;
    auto value = OptionType<T>::read(given, why);
    if (!value) {
      detail::report_got(given, place.path, "expected " + why, problems);
    } else if (!within(range, *value)) {
      detail::report_got(given, place.path, "must be " + range.text(), problems);
    } else {
      target = std::move(*value);
    }
  }

  static bool within(const Range& range, std::int64_t value) {
    return range.contains(static_cast<double>(value));
  }
  static bool within(const Range& range, double value) { return range.contains(value); }
  static bool within(const Range& range, const Duration& value) {
    return range.contains(value.count);
  }
  template <class T>
  static bool within(const Range& range, const std::optional<T>& value) {
    return !value || within(range, *value);
  }
  template <class T>
  static bool within(const Range& range, const std::vector<T>& values) {
    for (const T& value : values)
      if (!within(range, value)) return false;
    return true;
  }
  template <class T>
  static bool within(const Range&, const T&) {
    return true;
  }

  void check_rules(const S& result, const Value& given, const std::string& path,
                   Problems& problems) const {
    for (const auto& check : rules_) {
      auto violation = check(result);
      if (!violation) continue;
      detail::report(detail::nearest_to(given, violation->option),
                     detail::join_path(path, violation->option), violation->message, problems);
    }
  }

  OptionGroup group_;
  std::vector<Field> fields_;
  std::vector<std::string> taken_out_;
  std::vector<std::function<std::optional<Violation>(const S&)>> rules_;
};

}  // namespace onecycle
