#include "data/images/mixup.h"

#include "core/rng.h"

#include <cmath>
#include <numbers>

namespace onecycle {

double mixup_weight(double alpha, std::uint64_t bits_u, std::uint64_t bits_v) {
  constexpr double kUnit = 0x1p-53;
  const double u = static_cast<double>((bits_u >> 11) + 1) * kUnit;  // (0, 1]
  const double v = static_cast<double>(bits_v >> 11) * kUnit;        // [0, 1)
  const double power = std::pow(u, 1 / alpha);  // U^(-1/alpha) would overflow for a small alpha
  const double cosine = std::cos(2 * std::numbers::pi * v);
  const double squared = (1 - power) * cosine * cosine;
  return (1 + std::sqrt(squared / (power + squared))) / 2;
}

MixupChoices mixup_choices(std::uint64_t seed, std::int64_t epoch, std::int64_t n, double alpha) {
  MixupChoices choices;
  choices.partner.reserve(static_cast<std::size_t>(n));
  choices.weight.reserve(static_cast<std::size_t>(n));
  const auto count = static_cast<std::uint64_t>(n);
  for (std::uint64_t sample = 0; sample < count; ++sample) {
    const auto words = [&](std::uint64_t index) {
      return random_words(seed, RandomUse::mixup, static_cast<std::uint32_t>(epoch), index);
    };
    const RandomWords bits = words(2 * sample);
    choices.weight.push_back(static_cast<float>(mixup_weight(alpha, bits.low(), bits.high())));
    choices.partner.push_back(
        static_cast<std::int64_t>(bounded64(words(2 * sample + 1).low(), count)));
  }
  return choices;
}

}  // namespace onecycle
