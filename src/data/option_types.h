#pragma once

#include "onecycle/data.h"

namespace onecycle {

template <>
struct OptionType<BatchSize> {
  static std::string name() { return "integer, all or auto"; }
  static std::string schema() {
    return R"({"anyOf":[{"type":"integer","minimum":1},{"const":"all"},{"const":"auto"}]})";
  }
  static std::optional<BatchSize> read(const Value& value, std::string& why);
  static Value write(const BatchSize& value);
};

template <>
struct OptionType<Augment> {
  static std::string name() {
    return "list of {pad_crop: pixels}, flip, {cutout: pixels}, {mixup: alpha}";
  }
  static std::string schema() {
    return R"({"type":"array","items":{"anyOf":[{"const":"flip"},{"type":"object",)"
           R"("properties":{"pad_crop":{"type":"integer","minimum":1,"maximum":1024},)"
           R"("cutout":{"type":"integer","minimum":1,"maximum":1024},)"
           R"("mixup":{"type":"number","exclusiveMinimum":0}},)"
           R"("additionalProperties":false,"minProperties":1,"maxProperties":1}]}})";
  }
  static std::optional<Augment> read(const Value& value, std::string& why);
  static Value write(const Augment& value);
};

template <>
struct EnumNames<Normalise> {
  static std::vector<std::pair<std::string, Normalise>> values() {
    return {{"auto", Normalise::automatic}, {"none", Normalise::none}, {"caffe", Normalise::caffe}};
  }
};
template <>
struct OptionType<Normalise> : EnumOption<Normalise> {};

template <>
struct OptionType<Checksums> {
  static std::string name() { return "map of file: SHA-256"; }
  static std::string schema() {
    return R"({"type":"object","additionalProperties":{"type":"string","pattern":"^[0-9a-f]{64}$"}})";
  }
  static std::optional<Checksums> read(const Value& value, std::string& why);
  static Value write(const Checksums& value);
};

}  // namespace onecycle
