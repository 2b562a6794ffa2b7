#pragma once

#include "onecycle/option_types.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace onecycle {

// `weights` of a classification: auto, effective, or a map from classes to numbers.
struct WeightsOption {
  enum class Rule { balanced, effective, given };

  Rule rule = Rule::balanced;
  std::vector<std::pair<std::string, double>> given = {};  // those not named have 1
};

// Of each class, scaled to a mean of 1 over the samples where counts are known. beta: of effective.
// Throws FieldError for a class that is not among the names, and where a rule lacks counts.
std::vector<double> class_weights(const WeightsOption& option, double beta,
                                  const std::vector<std::string>& names,
                                  const std::vector<std::int64_t>& counts);

template <>
struct OptionType<WeightsOption> {
  static std::string name() { return "auto, effective or a map from classes to numbers"; }
  static std::string schema() {
    return R"({"anyOf":[{"enum":["auto","effective"]},)"
           R"({"type":"object","additionalProperties":{"type":"number","exclusiveMinimum":0}}]})";
  }
  static std::optional<WeightsOption> read(const Value& value, std::string& why);
  static void write(const WeightsOption& value, Value& to);
};

}  // namespace onecycle
