#include "core/format.h"
#include "tuning/rules.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

constexpr const char* kName = "smith";
constexpr std::size_t kSustained = 3;  // points

}  // namespace

double accuracy_tolerance(double accuracy, std::int64_t samples) {
  const double a = std::clamp(accuracy, 0.0, 1.0);
  return 2 * std::sqrt(a * (1 - a) / static_cast<double>(std::max<std::int64_t>(1, samples)));
}

Suggestion smith_rule(const std::vector<double>& lr, const std::vector<double>& accuracy,
                      std::int64_t samples, const std::string& beyond) {
  if (lr.size() < kSustained + 2)
    return {kName, std::nullopt,
            format("only {} looks at the held-out samples before the sweep ended", lr.size()),
            Suggestion::Refusal::too_few};
  double best = accuracy[0];
  std::size_t last_good = 0;
  for (std::size_t i = 0; i < lr.size(); ++i) {
    best = std::max(best, accuracy[i]);
    if (accuracy[i] >= best - accuracy_tolerance(best, samples)) last_good = i;
  }
  const std::size_t below = lr.size() - 1 - last_good;
  const bool falls = below >= kSustained;
  const double highest = *std::max_element(accuracy.begin(), accuracy.end());
  const double lowest = *std::min_element(accuracy.begin(), accuracy.end());
  if (highest - lowest < accuracy_tolerance(highest, samples))
    return {kName, std::nullopt,
            format("flat: the held-out accuracy stays at {:.1f} % from {:.3g} to {:.3g}",
                   100 * highest, lr.front(), lr.back()),
            Suggestion::Refusal::flat};
  if (!falls && beyond.empty() && below == 0)
    return {kName, std::nullopt,
            format("range too low: the held-out accuracy has not fallen by {:.3g}", lr.back()),
            Suggestion::Refusal::too_low};
  return {kName, lr[last_good],
          format("the held-out accuracy stays within two standard errors of its best, {:.1f} %, up "
                 "to here{}",
                 100 * best,
                 "; " + (!falls && !beyond.empty() ? beyond : std::string("then it falls")))};
}

double rounded_down(double value) {
  if (value <= 0) return value;
  const double unit = std::pow(10, std::floor(std::log10(value)) - 1);
  const double digits = std::floor(value / unit * (1 + 1e-12));
  return unit < 1 ? digits / std::round(1 / unit) : digits * unit;  // 14 / 1000, not 14 * .001
}

}  // namespace onecycle
