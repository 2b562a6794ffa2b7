#pragma once

#include "onecycle/descriptors.h"

namespace onecycle {

template <>
struct OptionType<BatchSize> {
  static std::string name() { return "integer, all or auto"; }
  static std::string schema() {
    return R"({"anyOf":[{"type":"integer","minimum":1},{"const":"all"},{"const":"auto"}]})";
  }
  static std::optional<BatchSize> read(const Value& value, std::string& why);
  static void write(const BatchSize& value, Value& to);
};

template <>
struct OptionType<Checksums> {
  static std::string name() { return "map of file: SHA-256"; }
  static std::string schema() {
    return R"({"type":"object","additionalProperties":{"type":"string","pattern":"^[0-9a-f]{64}$"}})";
  }
  static std::optional<Checksums> read(const Value& value, std::string& why);
  static void write(const Checksums& value, Value& to);
};

}  // namespace onecycle
