#include "core/format.h"
#include "core/number.h"
#include "data/option_types.h"

namespace onecycle {

namespace {

constexpr std::int64_t kMaxPixels = 1024;
constexpr double kMaxRatio = 64;
constexpr double kMaxJitter = 16;

// Two numbers, low <= high, above 0 and at most `most`.
bool read_bounds(const Value& value, double most, double& low, double& high) {
  if (!value.is_list() || value.items.size() != 2) return false;
  double* const targets[] = {&low, &high};
  for (std::size_t i = 0; i < 2; ++i) {
    const Value& item = value.items[i];
    if (!item.is_scalar() || item.quoted) return false;
    const auto number = parse_number(item.text);
    if (!number || !(*number > 0) || *number > most) return false;
    *targets[i] = *number;
  }
  return low <= high;
}

bool read_crop(const Value& value, ResizedCrop& crop) {
  if (!value.is_map() || value.members.empty()) return false;
  for (const auto& [key, at, bounds] : value.members) {
    if (key == "scale" && read_bounds(bounds, 1, crop.scale_low, crop.scale_high)) continue;
    if (key == "ratio" && read_bounds(bounds, kMaxRatio, crop.ratio_low, crop.ratio_high)) continue;
    return false;
  }
  return true;
}

bool read_jitter(const Value& value, ColourJitter& jitter) {
  if (!value.is_map()) return false;
  for (const auto& [key, at, number] : value.members) {
    double* const target = key == "brightness"   ? &jitter.brightness
                           : key == "contrast"   ? &jitter.contrast
                           : key == "saturation" ? &jitter.saturation
                                                 : nullptr;
    if (target == nullptr || !number.is_scalar() || number.quoted) return false;
    *target = parse_number(number.text).value_or(-1);
    if (!(*target >= 0) || *target > kMaxJitter) return false;
  }
  return jitter.any();
}

bool read_pixels(const std::string& key, const Value& value, Augment& augment) {
  if (!value.is_scalar() || value.quoted) return false;
  const auto pixels = parse_integer(value.text);
  if (!pixels || *pixels < 1 || *pixels > kMaxPixels) return false;
  if (key == "pad_crop") {
    augment.pad_crop = *pixels;
  } else if (key == "cutout") {
    augment.cutout = *pixels;
  } else {
    return false;
  }
  return true;
}

// {pixels: n, mode: black or reflect}
bool read_pad_crop(const Value& value, Augment& augment) {
  for (const auto& [key, at, given] : value.members) {
    if (key == "pixels" && read_pixels("pad_crop", given, augment)) continue;
    if (key != "mode" || (given.text != "black" && given.text != "reflect")) return false;
    augment.pad_reflects = given.text == "reflect";
  }
  return augment.pad_crop > 0;
}

// Sets the member that an item of the list names; false when it is none of them.
bool read_item(const Value& item, Augment& augment) {
  if (item.is_scalar() && item.text == "flip") {
    augment.flip = true;
    return true;
  }
  if (item.is_scalar() && item.text == "random_resized_crop") {
    augment.resized_crop.emplace();
    return true;
  }
  if (!item.is_map() || item.members.size() != 1) return false;
  const auto& [key, at, value] = item.members.front();
  if (key == "random_resized_crop") return read_crop(value, augment.resized_crop.emplace());
  if (key == "colour_jitter") return read_jitter(value, augment.jitter);
  if (key == "pad_crop" && value.is_map()) return read_pad_crop(value, augment);
  if (!value.is_scalar() || value.quoted) return false;
  if (key == "flip") {
    augment.flip_alternates = value.text == "alternating";
    augment.flip = augment.flip_alternates || value.text == "random";
    return augment.flip;
  }
  if (key == "mixup") {
    augment.mixup = parse_number(value.text).value_or(0);
    return augment.mixup > 0;
  }
  return read_pixels(key, value, augment);
}

// Whether both have set the same member.
bool meet(const Augment& a, const Augment& b) {
  return (a.pad_crop > 0 && b.pad_crop > 0) || (a.flip && b.flip) ||
         (a.cutout > 0 && b.cutout > 0) || (a.mixup > 0 && b.mixup > 0) ||
         (a.resized_crop && b.resized_crop) || (a.jitter.any() && b.jitter.any());
}

Value numbers(std::initializer_list<double> values) {
  Value list = Value::list();
  for (const double value : values) list.items.push_back(Value::scalar(number_text(value)));
  return list;
}

Value crop_value(const ResizedCrop& crop) {
  Value map = Value::map();
  map.set("scale", numbers({crop.scale_low, crop.scale_high}));
  map.set("ratio", numbers({crop.ratio_low, crop.ratio_high}));
  return map;
}

Value jitter_value(const ColourJitter& jitter) {
  Value map = Value::map();
  map.set("brightness", Value::scalar(number_text(jitter.brightness)));
  map.set("contrast", Value::scalar(number_text(jitter.contrast)));
  map.set("saturation", Value::scalar(number_text(jitter.saturation)));
  return map;
}

}  // namespace

std::optional<Augment> OptionType<Augment>::read(const Value& value, std::string& why) {
  why = name();
  if (value.is_null()) return Augment{};
  if (!value.is_list()) return std::nullopt;
  Augment augment;
  for (const Value& item : value.items) {
    const Augment before = augment;
    Augment alone;
    if (!read_item(item, alone) || !read_item(item, augment)) return std::nullopt;
    if (meet(alone, before)) return why = name() + ", each at most once", std::nullopt;
  }
  if (augment.pad_crop > 0 && augment.resized_crop)
    return why = name() + ", and one of the two crops alone", std::nullopt;
  return augment;
}

Value OptionType<Augment>::write(const Augment& value) {
  Value result = Value::list();
  const auto add = [&](const char* key, Value what) {
    Value item = Value::map();
    item.set(key, std::move(what));
    result.items.push_back(std::move(item));
  };
  const auto add_number = [&](const char* key, const std::string& text) {
    if (text != "0") add(key, Value::scalar(text));
  };
  if (value.pad_reflects) {
    Value map = Value::map();
    map.set("pixels", Value::scalar(std::to_string(value.pad_crop)));
    map.set("mode", Value::scalar("reflect"));
    add("pad_crop", std::move(map));
  } else {
    add_number("pad_crop", std::to_string(value.pad_crop));
  }
  if (value.resized_crop) add("random_resized_crop", crop_value(*value.resized_crop));
  if (value.flip_alternates) {
    add("flip", Value::scalar("alternating"));
  } else if (value.flip) {
    result.items.push_back(Value::scalar("flip"));
  }
  if (value.jitter.any()) add("colour_jitter", jitter_value(value.jitter));
  add_number("cutout", std::to_string(value.cutout));
  add_number("mixup", number_text(value.mixup));
  return result;
}

}  // namespace onecycle
