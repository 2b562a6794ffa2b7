#pragma once

#include "onecycle/option_types.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace onecycle {

// `weights` of a classification: auto, effective, or a map from classes to numbers, at most 1000 of
// them: what a checkpoint keeps of a recipe holds no larger maps.
struct ClassWeights {
  enum class Rule { balanced, effective, given };

  Rule rule = Rule::balanced;
  std::vector<std::pair<std::string, double>> given = {};  // above 0; those not named have 1
};

template <>
struct OptionType<ClassWeights> {
  static std::string name() { return "auto, effective or a map from classes to numbers"; }
  static std::string schema() {
    return R"({"anyOf":[{"enum":["auto","effective"]},)"
           R"({"type":"object","maxProperties":1000,)"
           R"("additionalProperties":{"type":"number","exclusiveMinimum":0}}]})";
  }
  static std::optional<ClassWeights> read(const Value& value, std::string& why);
  static void write(const ClassWeights& value, Value& to);
};

}  // namespace onecycle
