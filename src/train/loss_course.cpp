#include "train/loss_course.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

Slope theil_sen(const std::vector<double>& x, const std::vector<double>& y) {
  constexpr double kNormal975 = 1.959963984540054;
  std::vector<double> slopes;
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t j = i + 1; j < x.size(); ++j) {
      const double slope = (y[j] - y[i]) / (x[j] - x[i]);
      if (std::isfinite(slope)) slopes.push_back(slope);
    }
  if (slopes.empty()) return {};
  std::sort(slopes.begin(), slopes.end());
  const auto pairs = static_cast<std::int64_t>(slopes.size());
  const auto n = static_cast<double>(x.size());
  const double half = kNormal975 * std::sqrt(n * (n - 1) * (2 * n + 5) / 18) / 2;
  const double middle = static_cast<double>(pairs) / 2;
  const auto at = [&](std::int64_t index) {
    return slopes[static_cast<std::size_t>(std::clamp<std::int64_t>(index, 0, pairs - 1))];
  };
  const double median = (at((pairs - 1) / 2) + at(pairs / 2)) / 2;
  return {median, at(std::llround(middle - half) - 1), at(std::llround(middle + half))};
}

namespace {

constexpr double kNoise = 3;  // standard deviations of one evaluation

std::vector<double> values_of(const CurvePoints& curve, LossMember loss) {
  std::vector<double> values;
  for (const LearningCurvePoint& point : curve) values.push_back(point.*loss);
  return values;
}

double median_of(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Medians of three neighbours: one evaluation that stands out is none of them.
std::vector<double> smoothed(const std::vector<double>& values) {
  std::vector<double> result;
  for (std::size_t i = 2; i < values.size(); ++i)
    result.push_back(median_of({values[i - 2], values[i - 1], values[i]}));
  return result;
}

// Of one evaluation about the curve, from second differences, whose variance is six times its own;
// by their median absolute value, as of a normal distribution.
double noise_of(const std::vector<double>& values) {
  constexpr double kNormal75 = 0.6744897501960817;
  std::vector<double> bends;
  for (std::size_t i = 2; i < values.size(); ++i)
    bends.push_back(std::abs(values[i] - 2 * values[i - 1] + values[i - 2]));
  return median_of(bends) / (kNormal75 * std::sqrt(6.0));
}

}  // namespace

Course course_of(const CurvePoints& curve, LossMember loss, bool in_nats) {
  const std::vector<double> values = values_of(curve, loss);
  const std::vector<double> smooth = smoothed(values);
  Course course{values.front(), *std::min_element(smooth.begin(), smooth.end()), smooth.back(),
                values.back()};
  course.rose = course.end - course.lowest >
                std::max(kNotableRise * (in_nats ? 1 : course.lowest), kNoise * noise_of(values));
  return course;
}

Trend trend_of(const CurvePoints& curve, LossMember loss, bool in_nats) {
  std::vector<double> x;
  for (const LearningCurvePoint& point : curve) x.push_back(point.epoch);
  const std::vector<double> y = values_of(curve, loss);
  double mean = 0;
  for (const double value : y) mean += value / static_cast<double>(y.size());
  Trend trend;
  trend.slope = theil_sen(x, y);
  trend.span = x.back() - x.front();
  trend.unit = in_nats ? 1 : mean;
  return trend;
}

}  // namespace onecycle
