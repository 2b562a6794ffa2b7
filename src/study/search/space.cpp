#include "study/search/space.h"

#include "core/rng.h"
#include "core/text/format.h"
#include "core/text/number.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace onecycle {

namespace {

constexpr std::uint64_t kMostCombinations = 1'000'000;
// Of one setting: before the next unseen one is taken, and before a space counts as used up.
constexpr std::uint32_t kDraws = 64;
constexpr std::uint32_t kMostDraws = 100'000;
constexpr std::string_view kStream = "search";

// As many settings as a space without a continuous axis has, but no more than `most`; nothing where
// it has a continuous one.
std::optional<std::uint64_t> combinations(const std::vector<Axis>& axes, std::uint64_t most) {
  std::uint64_t product = 1;
  for (const Axis& axis : axes) {
    const auto size = axis.size();
    if (!size) return std::nullopt;
    product = *size > most / product ? most : product * *size;
  }
  return product;
}

Value placed(const Axis& axis, const std::string& text) {
  Value value = Value::scalar(text);
  value.at = axis.at;
  return value;
}

Value nth_value(const Axis& axis, std::uint64_t index) {
  if (axis.kind == Axis::Kind::list) return axis.values[index];
  return placed(axis, std::to_string(axis.first + static_cast<std::int64_t>(index)));
}

// 64 bits of a Philox stream of the search's own: its key is no run's seed.
std::uint64_t bits(const Axis& axis, std::uint64_t seed, std::uint64_t trial, std::uint32_t draw) {
  const std::uint64_t key = seed ^ fnv1a(kStream.data(), kStream.size());
  const std::string name = format("{}#{}", axis.key, trial);
  return random_words(key, RandomUse::initial, draw, fnv1a(name.data(), name.size())).low();
}

Value drawn(const Axis& axis, std::uint64_t random) {
  if (const auto size = axis.size()) return nth_value(axis, bounded64(random, *size));
  const double unit = static_cast<double>(random >> 11) * 0x1p-53;  // [0, 1)
  const bool log = axis.kind == Axis::Kind::log_uniform;
  const double value =
      log ? std::exp(std::log(axis.low) + unit * (std::log(axis.high) - std::log(axis.low)))
          : axis.low + unit * (axis.high - axis.low);
  return placed(axis, number_text(std::clamp(value, axis.low, axis.high)));
}

std::string key_of(const Setting& setting) {
  std::string key;
  for (const Value& value : setting) key += detail::flow_text(value) + '\x1f';
  return key;
}

std::vector<Setting> grid(const std::vector<Axis>& axes) {
  const std::uint64_t count = *combinations(axes, kMostCombinations);
  std::vector<Setting> settings;
  settings.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) settings.push_back(nth_setting(axes, i));
  return settings;
}

}  // namespace

std::optional<std::uint64_t> Axis::size() const {
  if (kind == Kind::list) return values.size();
  if (kind == Kind::integer)
    return static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first) + 1;
  return std::nullopt;
}

Setting nth_setting(const std::vector<Axis>& axes, std::uint64_t index) {
  Setting setting(axes.size());
  for (std::size_t i = axes.size(); i-- > 0;) {
    const std::uint64_t size = *axes[i].size();
    setting[i] = nth_value(axes[i], index % size);
    index /= size;
  }
  return setting;
}

Sampler::Sampler(const SearchSpace& space, std::int64_t seed)
    : axes_(space.axes), seed_(static_cast<std::uint64_t>(seed)), seen_values_(axes_.size()) {}

std::optional<Setting> Sampler::next() {
  const auto all = combinations(axes_, kMostCombinations + 1);
  if (all && seen_.size() >= *all) return std::nullopt;
  const std::uint64_t trial = number_++;
  const bool countable = all && *all <= kMostCombinations;
  for (std::uint32_t draw = 0; draw < (countable ? kDraws : kMostDraws); ++draw)
    if (auto setting = accepted(trial, draw)) return setting;
  if (!countable) return std::nullopt;
  std::uint64_t index = bits(axes_.front(), seed_, trial, kDraws) % *all;
  while (!seen_.insert(key_of(nth_setting(axes_, index))).second) index = (index + 1) % *all;
  return nth_setting(axes_, index);
}

std::optional<Setting> Sampler::accepted(std::uint64_t trial, std::uint32_t draw) {
  Setting setting;
  setting.reserve(axes_.size());
  for (const Axis& axis : axes_) setting.push_back(drawn(axis, bits(axis, seed_, trial, draw)));
  for (std::size_t i = 0; i < axes_.size(); ++i)
    if (!axes_[i].size() && seen_values_[i].count(setting[i].text) > 0) return std::nullopt;
  if (!seen_.insert(key_of(setting)).second) return std::nullopt;
  for (std::size_t i = 0; i < axes_.size(); ++i)
    if (!axes_[i].size()) seen_values_[i].insert(setting[i].text);
  return setting;
}

std::vector<Setting> settings_of(const SearchOptions& options) {
  if (options.method == SearchMethod::grid) return grid(options.space.axes);
  Sampler sampler(options.space, options.seed);
  std::vector<Setting> settings;
  while (static_cast<std::int64_t>(settings.size()) < options.trials) {
    auto setting = sampler.next();
    if (!setting) break;
    settings.push_back(std::move(*setting));
  }
  return settings;
}

std::string size_text(const SearchOptions& options) {
  const auto all = combinations(options.space.axes, kMostCombinations + 1);
  if (options.method != SearchMethod::grid) {
    const auto asked = static_cast<std::uint64_t>(options.trials);
    const std::uint64_t count = std::min(asked, all.value_or(asked));
    std::string text = format("{} trials", count);
    const auto rungs = rungs_of(options, static_cast<std::int64_t>(count));
    for (std::size_t i = 0; rungs.size() > 1 && i < rungs.size(); ++i)
      text += i == 0 ? format(" in {:.3g} of the cycle", rungs[i].share)
                     : format(", {} in {:.3g}", rungs[i].trials, rungs[i].share);
    if (count < asked) text += format(": the space holds no more, {} were asked for", asked);
    return text;
  }
  if (!all || *all > kMostCombinations) return "";
  std::string text =
      joined(options.space.axes, " x ", [](const Axis& axis) { return *axis.size(); });
  if (options.space.axes.size() > 1) text += format(" = {}", *all);
  return text + (*all == 1 ? " trial" : " trials");
}

}  // namespace onecycle
