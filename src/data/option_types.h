#pragma once

#include "onecycle/datasets.h"

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
    return "list of {pad_crop: pixels} or {pad_crop: {pixels: n, mode: black or reflect}}, "
           "random_resized_crop or {random_resized_crop: {scale: [low, "
           "high], ratio: [low, high]}}, flip or {flip: alternating}, {colour_jitter: {brightness: "
           "x, contrast: x, "
           "saturation: x}}, {cutout: pixels}, {mixup: alpha}";
  }
  static std::string schema() {
    return R"({"type":"array","items":{"anyOf":[{"enum":["flip","random_resized_crop"]},)"
           R"({"type":"object","properties":{)"
           R"("pad_crop":{"anyOf":[{"type":"integer","minimum":1,"maximum":1024},)"
           R"({"type":"object","properties":{)"
           R"("pixels":{"type":"integer","minimum":1,"maximum":1024},)"
           R"("mode":{"enum":["black","reflect"]}},"required":["pixels"],)"
           R"("additionalProperties":false}]},)"
           R"("flip":{"enum":["random","alternating"]},)"
           R"("random_resized_crop":{"type":"object","properties":{)"
           R"("scale":{"type":"array","items":{"type":"number"},"minItems":2,"maxItems":2},)"
           R"("ratio":{"type":"array","items":{"type":"number"},"minItems":2,"maxItems":2}},)"
           R"("additionalProperties":false,"minProperties":1},)"
           R"("colour_jitter":{"type":"object","properties":{"brightness":{"type":"number"},)"
           R"("contrast":{"type":"number"},"saturation":{"type":"number"}},)"
           R"("additionalProperties":false,"minProperties":1},)"
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
