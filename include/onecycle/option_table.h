#pragma once

#include "onecycle/choice.h"
#include "onecycle/option_types.h"

#include <any>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// Every option is described once, by the part that owns it, as a member of a struct of its own. The
// description reads and checks a recipe (options.h), writes the resolved one, and makes
// docs/recipe.md and the JSON Schema.
namespace onecycle {

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

class Problems;

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
  Variants variants;                           // set for a Choice, or for several
  bool several = false;                        // a map of variants by name
};

// A map of options, whatever struct they fill.
struct OptionGroup {
  std::string name;
  std::string meaning;
  std::vector<OptionDescription> options;
  // Checks `given` (a map or null) and returns the struct that it fills.
  std::function<std::any(const Value& given, const std::string& path, Problems&)> read;
  // Every option of a struct that was filled, as a map.
  std::function<void(const std::any& filled, Value& to)> write;
  // Each makes its change in such a struct; there may be several of one kind.
  std::vector<std::pair<Change, std::function<void(std::any& filled, double value)>>> changes;

  const OptionDescription* find(const std::string& option) const;
};

namespace detail {
void check_map(const Value& given, const std::string& path, const std::vector<std::string>& known,
               Problems& problems);
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
// What `write` makes of a null, as one line of YAML in flow style.
std::string text_of(const std::function<void(Value&)>& write);
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
  OptionTable(std::string name, std::string meaning)
      : group_{std::move(name), std::move(meaning), {}, {}, {}, {}} {}

  template <class T>
  OptionTable& add(const std::string& name, T S::*field, const std::string& meaning) {
    OptionDescription option;
    option.name = name;
    option.type = OptionType<T>::name();
    option.schema = OptionType<T>::schema();
    option.default_text = detail::text_of([&](Value& to) { OptionType<T>::write(S{}.*field, to); });
    option.meaning = meaning;
    const std::size_t index = group_.options.size();
    group_.options.push_back(std::move(option));
    fields_.push_back(
        {[field, index, this_range = ranges_](S& target, const Value& given,
                                              const std::string& path, Problems& problems) {
           read_field<T>(target.*field, given, path, (*this_range)[index], problems);
         },
         [field](const S& source, Value& to) { OptionType<T>::write(source.*field, to); }});
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
         [field, inner](const S& source, Value& to) { inner.write_to(source.*field, to); }});
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
          for (std::size_t i = 0; i < detail::list_size(given); ++i)
            (target.*field)
                .push_back(
                    item.read(detail::list_item(given, i), detail::item_path(path, i), problems));
        },
        [field, item](const S& source, Value& to) {
          detail::become_list(to);
          for (const Item& one : source.*field) item.write_to(one, detail::add_item(to));
        }};
    OptionDescription option;
    option.name = name;
    option.type = "list of maps";
    option.default_text = detail::text_of([&](Value& to) { access.write(S{}, to); });
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
    fields_.push_back(
        {[field, option](S& target, const Value& given, const std::string& path,
                         Problems& problems) {
           target.*field = detail::read_choice(given, path, option, problems);
         },
         [field](const S& source, Value& to) { detail::write_choice(source.*field, to); }});
    group_.options.push_back(std::move(option));
    ranges_->emplace_back();
    return *this;
  }

  // Any number of variants, each at most once: a map from names to options. A value that is no map
  // is that of the variant's first option, true stands for its defaults, and false or null for its
  // absence. A list of names and of maps of one variant each means the same.
  OptionTable& add_parts(const std::string& name, std::vector<Choice> S::*field,
                         const Variants& variants, const std::string& meaning) {
    OptionDescription option;
    option.name = name;
    option.type = "parts";
    option.default_text = "{}";
    option.meaning = meaning;
    option.variants = variants;
    option.several = true;
    fields_.push_back(
        {[field, option](S& target, const Value& given, const std::string& path,
                         Problems& problems) {
           target.*field = detail::read_parts(given, path, option, problems);
         },
         [field](const S& source, Value& to) { detail::write_parts(source.*field, to); }});
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
    std::string option;  // or what is within it: "lr[1].from"
    std::string message;
  };
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

  S read(const Value& given, const std::string& path, Problems& problems) const {
    S result{};
    std::vector<std::string> known;
    for (const auto& option : group_.options) known.push_back(option.name);
    const std::size_t before = detail::count(problems);
    detail::check_map(given, path, known, problems);
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      const auto& option = group_.options[i];
      const std::string inner = detail::join_path(path, option.name);
      if (const Value* value = detail::member(given, option.name)) {
        fields_[i].read(result, *value, inner, problems);
      } else if (option.required) {
        detail::report(given, inner, "is required: " + option.meaning, problems);
      } else if (option.section || !option.variants.empty()) {
        detail::with_null(given, [&](const Value& absent) {  // fills the inner defaults
          fields_[i].read(result, absent, inner, problems);
        });
      }
    }
    if (detail::count(problems) == before) check_rules(result, given, path, problems);
    return result;
  }

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
  Variant variant() const {
    return {group_.name, group_.meaning, std::make_shared<OptionGroup>(group())};
  }

 private:
  struct Field {
    std::function<void(S&, const Value&, const std::string& path, Problems&)> read;
    std::function<void(const S&, Value& to)> write;
  };

  template <class T>
  static void read_field(T& target, const Value& given, const std::string& path, const Range& range,
                         Problems& problems) {
    std::string why;
    auto value = OptionType<T>::read(given, why);
    if (!value) {
      detail::report_got(given, path, "expected " + why, problems);
      return;
    }
    if (!within(range, *value)) {
      detail::report_got(given, path, "must be " + range.text(), problems);
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
      detail::report(detail::nearest_to(given, violation->option),
                     detail::join_path(path, violation->option), violation->message, problems);
    }
  }

  OptionGroup group_;
  std::vector<Field> fields_;
  std::shared_ptr<std::vector<Range>> ranges_ = std::make_shared<std::vector<Range>>();
  std::vector<std::function<std::optional<Violation>(const S&)>> rules_;
};

}  // namespace onecycle
