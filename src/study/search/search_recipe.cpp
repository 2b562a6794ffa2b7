#include "onecycle/error.h"
#include "onecycle/search.h"

#include "core/text/number.h"
#include "recipe/recipe_text.h"

#include <algorithm>

namespace onecycle {

namespace {

bool names_a_variant(const std::string& key) {
  return key == "model.name" || key == "optimizer.name" || key == "schedule.name" ||
         key == "data.format.name" || key.find('.') == std::string::npos;
}

Value map_at(const Position& at) {
  Value map = Value::map();
  map.at = at;
  return map;
}

// Puts the value at its key; another variant's name leaves nothing of the old one.
void put(Value& document, const Axis& axis, const Value& value) {
  Value* target = &document;
  std::size_t begin = 0;
  for (std::size_t dot; (dot = axis.key.find('.', begin)) != std::string::npos; begin = dot + 1) {
    const std::string part = axis.key.substr(begin, dot - begin);
    Value* inner = target->find(part);
    if (inner == nullptr) {
      target->members.push_back({part, axis.at, map_at(axis.at)});
      inner = &target->members.back().value;
    }
    if (!inner->is_map()) *inner = map_at(axis.at);
    target = inner;
  }
  const std::string last = axis.key.substr(begin);
  const Value* present = target->find(last);
  if (names_a_variant(axis.key) && last == "name" && present != nullptr &&
      present->text != value.text)
    *target = map_at(axis.at);
  target->erase(last);
  target->members.push_back({last, axis.at, value});
}

// Names of variants first: they decide which other keys there are.
void put_all(Value& document, const SearchSpace& space, const Setting& setting) {
  for (const bool naming : {true, false})
    for (std::size_t i = 0; i < space.axes.size(); ++i)
      if (names_a_variant(space.axes[i].key) == naming) put(document, space.axes[i], setting[i]);
}

Recipe read_under(const Recipe& base, const SearchSpace& space, const Setting& setting,
                  const Registries& registries, Problems& problems) {
  Value document = recipe_tree(base, registries.variants());
  put_all(document, space, setting);
  return recipe_in_tree(document, registries.variants(), problems);
}

std::vector<Value> extremes(const Axis& axis) {
  switch (axis.kind) {
    case Axis::Kind::list:
      return axis.values;
    case Axis::Kind::integer:
      return {Value::scalar(std::to_string(axis.first)), Value::scalar(std::to_string(axis.last))};
    case Axis::Kind::uniform:
    case Axis::Kind::log_uniform:
      break;
  }
  return {Value::scalar(number_text(axis.low)), Value::scalar(number_text(axis.high))};
}

bool leads_out(const std::string& key) {
  return key == "name" || key == "output" || key.starts_with("output.");
}

}  // namespace

Recipe recipe_of(const Recipe& base, const SearchSpace& space, const Setting& setting,
                 const Registries& registries) {
  Problems problems;
  Recipe recipe = read_under(base, space, setting, registries, problems);
  problems.throw_if_any();
  const auto sets_rate = [](const Axis& axis) { return axis.key.find("lr") != std::string::npos; };
  if (std::ranges::any_of(space.axes, sets_rate)) recipe.train.lr_found_at.reset();
  return recipe;
}

// Each axis in turn beside the first values of those that name a variant.
void check_space(const Recipe& base, const SearchOptions& options, const Registries& registries,
                 Problems& problems) {
  SearchSpace naming;
  Setting first;
  for (const Axis& axis : options.space.axes) {
    if (!names_a_variant(axis.key) || leads_out(axis.key)) continue;
    naming.axes.push_back(axis);
    first.push_back(extremes(axis).front());
  }
  for (const Axis& axis : options.space.axes) {
    if (leads_out(axis.key)) {
      problems.add(axis.at, axis.key, "cannot be searched: trials write into their study's folder");
      continue;
    }
    for (Value value : extremes(axis)) {
      if (value.at.file.empty()) value.at = axis.at;
      SearchSpace one = naming;
      Setting setting = first;
      const auto same = std::find_if(one.axes.begin(), one.axes.end(),
                                     [&](const Axis& other) { return other.key == axis.key; });
      if (same != one.axes.end()) {
        setting[static_cast<std::size_t>(same - one.axes.begin())] = value;
      } else {
        one.axes.push_back(axis);
        setting.push_back(value);
      }
      const std::size_t before = problems.size();
      (void)read_under(base, one, setting, registries, problems);
      if (problems.size() > before) break;
    }
  }
  if (base.data.validation == 0 && problems.empty() &&
      std::none_of(options.space.axes.begin(), options.space.axes.end(),
                   [](const Axis& axis) { return axis.key == "data.validation"; }))
    problems.add({}, "data.validation",
                 "a search chooses on the validation part: hold some samples out");
}

}  // namespace onecycle
