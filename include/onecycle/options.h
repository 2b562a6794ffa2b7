#pragma once

#include "onecycle/option_types.h"
#include "onecycle/value.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// Every option is described once, by the part that owns it. The description reads and checks a
// recipe, writes the resolved one, and makes docs/recipe.md and the JSON Schema.
namespace onecycle {

// ---- Problems --------------------------------------------------------------------------------

struct Problem {
  Position at;
  std::string path;     // "schedule.lr_max"
  std::string message;  // what is wrong, what is allowed

  std::string text() const;  // "file:line:column: path: message"
};

class Problems {
 public:
  void add(const Position& at, const std::string& path, const std::string& message);
  bool empty() const { return found_.empty(); }
  std::size_t size() const { return found_.size(); }
  const std::vector<Problem>& found() const { return found_; }
  // Throws RecipeError with the first problem, and how many more there are.
  void throw_if_any() const;

 private:
  std::vector<Problem> found_;
};

// ---- Ranges ----------------------------------------------------------------------------------

constexpr double kUnbounded = std::numeric_limits<double>::infinity();

struct Range {
  double low = -kUnbounded;
  double high = kUnbounded;
  bool low_open = false;
  bool high_open = false;

  bool contains(double value) const;
  std::string text() const;  // "[0, 1)", "> 0", "at least 0"; empty when unbounded
};

inline Range at_least(double low) { return {.low = low}; }
inline Range above(double low) { return {.low = low, .low_open = true}; }
inline Range between(double low, double high) { return {.low = low, .high = high}; }
inline Range from_below(double low, double high) {  // [low, high)
  return {.low = low, .high = high, .high_open = true};
}

// ---- Descriptions ----------------------------------------------------------------------------

struct OptionGroup;

// A named alternative of an option whose value is a map with a `name`: a registry's entry.
struct Variant {
  std::string name;
  std::string meaning;
  std::shared_ptr<const OptionGroup> options;
};
using Variants = std::vector<Variant>;

// The value of such an option: the variant's name, and its resolved options (a map).
struct Choice {
  std::string name;
  Value options = Value::map();
};

struct OptionDescription {
  std::string name;
  std::string type;
  std::string default_text;  // as a recipe would write it
  std::string unit;          // "samples", "epochs or steps"; empty where none
  Range range;
  std::string meaning;  // one line
  std::string schema;   // JSON Schema fragment of a plain option
  bool required = false;
  std::shared_ptr<const OptionGroup> section;  // set for a nested group
  std::shared_ptr<const OptionGroup> item;     // set for a list of maps: what one may hold
  Variants variants;                           // set for a Choice
};

// A map of options, whatever struct they fill.
struct OptionGroup {
  std::string name;
  std::string meaning;
  std::vector<OptionDescription> options;
  // Checks `given` (a map or null) and returns it with every default filled in.
  std::function<Value(const Value& given, const std::string& path, Problems&)> resolve;

  const OptionDescription* find(const std::string& option) const;
};

namespace detail {
void check_map(const Value& given, const std::string& path, const std::vector<std::string>& known,
               Problems& problems);
// Whether `given` is a list; adds a problem where it is not.
bool check_list(const Value& given, const std::string& path, Problems& problems);
Choice read_choice(const Value& given, const std::string& path, const OptionDescription& option,
                   Problems& problems);
Value write_choice(const Choice& choice);
std::string join_path(const std::string& path, const std::string& key);
std::string item_path(const std::string& path, std::size_t index);  // "groups[1]", from 0
std::string flow_text(const Value& value);  // one line of YAML in flow style
}  // namespace detail

// The options that fill one struct S; S{} holds the defaults.
//
//   OptionTable<Sgd> table("sgd", "stochastic gradient descent with momentum");
//   table.add("nesterov", &Sgd::nesterov, "look ahead along the velocity")
//        .add("lr", &Sgd::lr, "constant learning rate").range(above(0));
template <class S>
class OptionTable {
 public:
  OptionTable(std::string name, std::string meaning)
      : group_{std::move(name), std::move(meaning), {}, {}} {}

  template <class T>
  OptionTable& add(const std::string& name, T S::*field, const std::string& meaning) {
    OptionDescription option;
    option.name = name;
    option.type = OptionType<T>::name();
    option.schema = OptionType<T>::schema();
    option.default_text = detail::flow_text(OptionType<T>::write(S{}.*field));
    option.meaning = meaning;
    const std::size_t index = group_.options.size();
    group_.options.push_back(std::move(option));
    fields_.push_back(
        {[field, index, this_range = ranges_](S& target, const Value& given,
                                              const std::string& path, Problems& problems) {
           read_field<T>(target.*field, given, path, (*this_range)[index], problems);
         },
         [field](const S& source) { return OptionType<T>::write(source.*field); }});
    ranges_->emplace_back();
    return *this;
  }

  template <class Inner>
  OptionTable& add_section(const std::string& name, Inner S::*field,
                           const OptionTable<Inner>& inner) {
    OptionDescription option;
    option.name = name;
    option.type = "section";
    option.meaning = inner.group().meaning;
    option.section = std::make_shared<OptionGroup>(inner.group());
    group_.options.push_back(std::move(option));
    ranges_->emplace_back();
    fields_.push_back(
        {[field, inner](S& target, const Value& given, const std::string& path,
                        Problems& problems) { target.*field = inner.read(given, path, problems); },
         [field, inner](const S& source) { return inner.write(source.*field); }});
    return *this;
  }

  // A list of maps, each read with `item`, whose meaning is the list's; paths are
  // "groups[1].match".
  template <class Item>
  OptionTable& add_list(const std::string& name, std::vector<Item> S::*field,
                        const OptionTable<Item>& item) {
    Field access{
        [field, item](S& target, const Value& given, const std::string& path, Problems& problems) {
          if (!detail::check_list(given, path, problems)) return;
          (target.*field).clear();
          for (std::size_t i = 0; i < given.items.size(); ++i)
            (target.*field)
                .push_back(item.read(given.items[i], detail::item_path(path, i), problems));
        },
        [field, item](const S& source) {
          Value list = Value::list();
          for (const Item& one : source.*field) list.items.push_back(item.write(one));
          return list;
        }};
    OptionDescription option;
    option.name = name;
    option.type = "list of maps";
    option.default_text = detail::flow_text(access.write(S{}));
    option.meaning = item.group().meaning;
    option.item = std::make_shared<OptionGroup>(item.group());
    group_.options.push_back(std::move(option));
    ranges_->emplace_back();
    fields_.push_back(std::move(access));
    return *this;
  }

  OptionTable& add_choice(const std::string& name, Choice S::*field, const Variants& variants,
                          const std::string& meaning) {
    OptionDescription option;
    option.name = name;
    option.type = "choice";
    option.default_text = (S{}.*field).name;
    option.meaning = meaning;
    option.variants = variants;
    fields_.push_back({[field, option](S& target, const Value& given, const std::string& path,
                                       Problems& problems) {
                         target.*field = detail::read_choice(given, path, option, problems);
                       },
                       [field](const S& source) { return detail::write_choice(source.*field); }});
    group_.options.push_back(std::move(option));
    ranges_->emplace_back();
    return *this;
  }

  // These refine the option added last.
  OptionTable& range(const Range& range) {
    group_.options.back().range = range;
    ranges_->back() = range;
    return *this;
  }
  OptionTable& unit(const std::string& unit) {
    group_.options.back().unit = unit;
    return *this;
  }
  OptionTable& required() {
    group_.options.back().required = true;
    return *this;
  }

  // A rule over several options; returns what is wrong, naming the option it is about.
  struct Violation {
    std::string option;
    std::string message;
  };
  OptionTable& rule(std::function<std::optional<Violation>(const S&)> check) {
    rules_.push_back(std::move(check));
    return *this;
  }

  S read(const Value& given, const std::string& path, Problems& problems) const {
    S result{};
    std::vector<std::string> known;
    for (const auto& option : group_.options) known.push_back(option.name);
    const std::size_t before = problems.size();
    detail::check_map(given, path, known, problems);
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      const auto& option = group_.options[i];
      const std::string inner = detail::join_path(path, option.name);
      if (const Value* value = given.find(option.name)) {
        fields_[i].read(result, *value, inner, problems);
      } else if (option.required) {
        problems.add(given.at, inner, "is required: " + option.meaning);
      } else if (option.section || !option.variants.empty()) {
        Value absent;  // fills the inner defaults
        absent.at = given.at;
        fields_[i].read(result, absent, inner, problems);
      }
    }
    if (problems.size() == before) check_rules(result, given, path, problems);
    return result;
  }

  Value write(const S& source) const {
    Value result = Value::map();
    for (std::size_t i = 0; i < fields_.size(); ++i)
      result.set(group_.options[i].name, fields_[i].write(source));
    return result;
  }

  // The same options without S, to be held beside other groups.
  OptionGroup group() const {
    OptionGroup result = group_;
    result.resolve = [table = *this](const Value& given, const std::string& path,
                                     Problems& problems) {
      return table.write(table.read(given, path, problems));
    };
    return result;
  }
  Variant variant() const {
    return {group_.name, group_.meaning, std::make_shared<OptionGroup>(group())};
  }

 private:
  struct Field {
    std::function<void(S&, const Value&, const std::string& path, Problems&)> read;
    std::function<Value(const S&)> write;
  };

  template <class T>
  static void read_field(T& target, const Value& given, const std::string& path, const Range& range,
                         Problems& problems) {
    std::string why;
    auto value = OptionType<T>::read(given, why);
    if (!value) {
      problems.add(given.at, path, "expected " + why + ", got " + given.described());
      return;
    }
    if (!within(range, *value)) {
      problems.add(given.at, path, "must be " + range.text() + ", got " + given.described());
      return;
    }
    target = std::move(*value);
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
      const Value* about = given.find(violation->option);
      problems.add(about ? about->at : given.at, detail::join_path(path, violation->option),
                   violation->message);
    }
  }

  OptionGroup group_;
  std::vector<Field> fields_;
  std::shared_ptr<std::vector<Range>> ranges_ = std::make_shared<std::vector<Range>>();
  std::vector<std::function<std::optional<Violation>(const S&)>> rules_;
};

// docs/recipe.md and the JSON Schema (draft 2020-12) of a group of options.
std::string markdown_of(const OptionGroup& group);
std::string json_schema_of(const OptionGroup& group);

}  // namespace onecycle
