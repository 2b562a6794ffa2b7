#include "tasks/weights_option.h"

#include "onecycle/error.h"
#include "onecycle/option_table.h"
#include "onecycle/registry.h"
#include "onecycle/task.h"
#include "onecycle/value.h"

#include "core/text/format.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace onecycle {

std::optional<WeightsOption> OptionType<WeightsOption>::read(const Value& value, std::string& why) {
  if (value.is_scalar() && value.text == "auto") return WeightsOption{};
  if (value.is_scalar() && value.text == "effective")
    return WeightsOption{WeightsOption::Rule::effective};
  why = "auto, effective or a map from classes to numbers above 0";
  if (!value.is_map() || value.members.empty()) return std::nullopt;
  WeightsOption option{WeightsOption::Rule::given};
  for (const auto& [key, at, given] : value.members) {
    std::string ignored;
    const auto weight = OptionType<double>::read(given, ignored);
    if (!weight || !(*weight > 0) || !std::isfinite(*weight)) return std::nullopt;
    option.given.emplace_back(key, *weight);
  }
  return option;
}

void OptionType<WeightsOption>::write(const WeightsOption& value, Value& to) {
  if (value.rule == WeightsOption::Rule::balanced) return detail::write_word("auto", to);
  if (value.rule == WeightsOption::Rule::effective) return detail::write_word("effective", to);
  to = Value::map();
  for (const auto& [name, weight] : value.given)
    OptionType<double>::write(weight, detail::add_member(to, name));
}

std::vector<double> class_weights(const WeightsOption& option, double beta,
                                  const std::vector<std::string>& names,
                                  const std::vector<std::int64_t>& counts) {
  if (option.rule != WeightsOption::Rule::given) {
    if (counts.empty())
      throw FieldError("task.weights",
                       "the data does not say how often each class occurs; give a map of classes");
    return option.rule == WeightsOption::Rule::balanced ? balanced_weights(counts)
                                                        : effective_number_weights(counts, beta);
  }
  std::vector<double> weights(names.size(), 1);
  for (const auto& [name, weight] : option.given) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      const std::string near = nearest_name(name, names);
      throw FieldError("task.weights",
                       format("'{}' is no class of the data{}", name,
                              near.empty() ? "" : format("; did you mean '{}'?", near)));
    }
    weights[static_cast<std::size_t>(found - names.begin())] = weight;
  }
  return scaled_weights(std::move(weights), counts);
}

}  // namespace onecycle
