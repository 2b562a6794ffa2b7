#include "options/class_weights.h"

#include "onecycle/option_table.h"
#include "onecycle/value.h"

#include "core/text/format.h"

#include <cmath>

namespace onecycle {

namespace {

constexpr std::size_t kMostWeights = 1000;  // the members of an object that parse_json() takes

}  // namespace

std::optional<ClassWeights> OptionType<ClassWeights>::read(const Value& value, std::string& why) {
  if (value.is_scalar() && value.text == "auto") return ClassWeights{};
  if (value.is_scalar() && value.text == "effective")
    return ClassWeights{ClassWeights::Rule::effective};
  why = format("auto, effective or a map from at most {} classes to numbers above 0", kMostWeights);
  if (!value.is_map() || value.members.empty() || value.members.size() > kMostWeights)
    return std::nullopt;
  ClassWeights option{ClassWeights::Rule::given};
  for (const auto& [key, at, given] : value.members) {
    std::string ignored;
    const auto weight = OptionType<double>::read(given, ignored);
    if (!weight || !(*weight > 0) || !std::isfinite(*weight)) return std::nullopt;
    option.given.emplace_back(key, *weight);
  }
  return option;
}

void OptionType<ClassWeights>::write(const ClassWeights& value, Value& to) {
  if (value.rule == ClassWeights::Rule::balanced) return detail::write_word("auto", to);
  if (value.rule == ClassWeights::Rule::effective) return detail::write_word("effective", to);
  to = Value::map();
  for (const auto& [name, weight] : value.given)
    OptionType<double>::write(weight, detail::add_member(to, name));
}

}  // namespace onecycle
