#include "onecycle/error.h"

#include "core/text/format.h"
#include "tuning/range_test/rules.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

constexpr const char* kName = "smith";
constexpr std::size_t kSustained = 3;  // points

std::string text_of(double worth, Measure measure) {
  return measure == Measure::loss ? format("{:.3g}", -worth) : format("{:.1f} %", 100 * worth);
}

}  // namespace

double tolerance(double worth, std::int64_t samples, Measure measure) {
  const auto n = static_cast<double>(std::max<std::int64_t>(1, samples));
  if (measure == Measure::loss) return 2 * std::sqrt(2 / n) * std::abs(worth);
  const double a = std::clamp(worth, 0.0, 1.0);
  return 2 * std::sqrt(a * (1 - a) / n);
}

Tolerance tolerance_of_means(std::vector<double> worth, std::int64_t samples, Measure measure) {
  return [worth = std::move(worth), samples, measure](std::size_t a, std::size_t b) {
    return tolerance(std::max(worth.at(a), worth.at(b)), samples, measure);
  };
}

Tolerance tolerance_of_pairs(LossesOfSamples losses) {
  return [losses = std::move(losses)](std::size_t a, std::size_t b) {
    return 2 * paired_error(losses->at(a), losses->at(b));
  };
}

double paired_error(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size())
    throw Error(format("losses of {} and of {} samples are no pairs", a.size(), b.size()));
  if (a.size() < 2) return HUGE_VAL;
  const auto n = static_cast<double>(a.size());
  double mean = 0;
  for (std::size_t i = 0; i < a.size(); ++i) mean += (a[i] - b[i]) / n;
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) squares += std::pow(a[i] - b[i] - mean, 2);
  return std::sqrt(squares / (n - 1) / n);
}

std::vector<double> tolerances_along(const std::vector<double>& worth, const Tolerance& tolerance) {
  std::vector<double> result;
  std::size_t best = 0;
  for (std::size_t i = 0; i < worth.size(); ++i) {
    if (worth[i] > worth[best]) best = i;
    result.push_back(tolerance(i, best));
  }
  return result;
}

Suggestion smith_rule(const std::vector<double>& lr, const std::vector<double>& worth,
                      const Tolerance& tolerance, const std::string& beyond, Measure measure) {
  const bool loss = measure == Measure::loss;
  const char* const what = loss ? "loss" : "accuracy";
  if (lr.size() < kSustained + 2)
    return {kName, std::nullopt,
            format("only {} looks at the held-out samples before the sweep ended", lr.size()),
            Suggestion::Refusal::too_few};
  const std::vector<double> tolerances = tolerances_along(worth, tolerance);
  double best = worth[0];
  std::size_t last_good = 0;
  for (std::size_t i = 0; i < lr.size(); ++i) {
    best = std::max(best, worth[i]);
    if (worth[i] >= best - tolerances[i]) last_good = i;
  }
  const std::size_t below = lr.size() - 1 - last_good;
  const bool falls = below >= kSustained;
  const auto [least, most] = std::minmax_element(worth.begin(), worth.end());
  const double highest = *most;
  const double difference = highest - *least;
  const double noise = tolerance(static_cast<std::size_t>(least - worth.begin()),
                                 static_cast<std::size_t>(most - worth.begin()));
  if (difference < noise || (loss && difference == 0))
    return {kName, std::nullopt,
            format("flat: the held-out {} stays at {} from {:.3g} to {:.3g}", what,
                   text_of(highest, measure), lr.front(), lr.back()),
            Suggestion::Refusal::flat};
  if (!falls && beyond.empty() && below == 0)
    return {kName, std::nullopt,
            format("range too low: the held-out {} has not {} by {:.3g}", what,
                   loss ? "risen" : "fallen", lr.back()),
            Suggestion::Refusal::too_low};
  return {kName, lr[last_good],
          format("the held-out {} stays within two standard errors of its best, {}, up to here; {}",
                 what, text_of(best, measure),
                 !falls && !beyond.empty() ? beyond
                 : loss                    ? "then it rises"
                                           : "then it falls")};
}

double rounded_down(double value) {
  if (value <= 0) return value;
  const double unit = std::pow(10, std::floor(std::log10(value)) - 1);
  const double digits = std::floor(value / unit * (1 + 1e-12));
  return unit < 1 ? digits / std::round(1 / unit) : digits * unit;  // 14 / 1000, not 14 * .001
}

}  // namespace onecycle
