#include "core/number.h"
#include "data/option_types.h"

namespace onecycle {

namespace {

constexpr std::int64_t kMaxPixels = 1024;

// Sets the member that an item of the list names; false when it is none of them.
bool read_item(const Value& item, Augment& augment) {
  if (item.is_scalar() && item.text == "flip") {
    augment.flip = true;
    return true;
  }
  if (!item.is_map() || item.members.size() != 1) return false;
  const auto& [key, at, value] = item.members.front();
  if (!value.is_scalar() || value.quoted) return false;
  if (key == "mixup") {
    augment.mixup = parse_number(value.text).value_or(0);
    return augment.mixup > 0;
  }
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

}  // namespace

std::optional<Augment> OptionType<Augment>::read(const Value& value, std::string& why) {
  why = name();
  if (value.is_null()) return Augment{};
  if (!value.is_list()) return std::nullopt;
  Augment augment;
  for (const Value& item : value.items) {
    const Augment before = augment;
    // An item that changes nothing was there already, but for one with the same pixels.
    Augment alone;
    if (!read_item(item, alone) || !read_item(item, augment)) return std::nullopt;
    const bool repeated = (alone.pad_crop > 0 && before.pad_crop > 0) ||
                          (alone.flip && before.flip) || (alone.cutout > 0 && before.cutout > 0) ||
                          (alone.mixup > 0 && before.mixup > 0);
    if (repeated) return why = name() + ", each at most once", std::nullopt;
  }
  return augment;
}

Value OptionType<Augment>::write(const Augment& value) {
  Value result = Value::list();
  const auto add = [&](const char* key, const std::string& text) {
    if (text == "0") return;
    Value item = Value::map();
    item.set(key, Value::scalar(text));
    result.items.push_back(std::move(item));
  };
  add("pad_crop", std::to_string(value.pad_crop));
  if (value.flip) result.items.push_back(Value::scalar("flip"));
  add("cutout", std::to_string(value.cutout));
  add("mixup", number_text(value.mixup));
  return result;
}

}  // namespace onecycle
