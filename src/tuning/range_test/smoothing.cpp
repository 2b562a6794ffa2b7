#include "tuning/range_test/smoothing.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

constexpr double kRateHalfWidth = 0.15;  // decades

double tricube(double u) {
  const double t = 1 - u * u * u;
  return t * t * t;
}

}  // namespace

double CausalAverage::add(double value) {
  sum_ = beta_ * sum_ + (1 - beta_) * value;
  weight_ = beta_ * weight_ + (1 - beta_);
  return sum_ / weight_;
}

std::vector<double> smoothed_over(const std::vector<double>& x, const std::vector<double>& y,
                                  const std::vector<double>& at, double half_width,
                                  int neighbours) {
  std::vector<double> result;
  std::vector<double> distance(x.size());
  for (const double centre : at) {
    for (std::size_t i = 0; i < x.size(); ++i) distance[i] = std::abs(x[i] - centre);
    std::vector<double> sorted = distance;
    const std::size_t nth = std::min(x.size() - 1, static_cast<std::size_t>(neighbours));
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(nth),
                     sorted.end());
    // A little wider, so that the farthest of them counts.
    const double width = std::max(half_width, 1.0001 * sorted[nth]);
    double w = 0, wx = 0, wy = 0, wxx = 0, wxy = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (distance[i] >= width) continue;
      const double weight = tricube(distance[i] / width);
      const double from = x[i] - centre;
      w += weight;
      wx += weight * from;
      wy += weight * y[i];
      wxx += weight * from * from;
      wxy += weight * from * y[i];
    }
    const double spread = w * wxx - wx * wx;
    result.push_back(spread > 1e-12 * w * w * width * width ? (wy * wxx - wx * wxy) / spread
                                                            : wy / w);
  }
  return result;
}

std::vector<double> smoothed_over_lr(const std::vector<double>& lr, const std::vector<double>& y,
                                     const std::vector<double>& at, int neighbours) {
  const auto logarithms = [](std::vector<double> values) {
    for (double& value : values) value = std::log10(value);
    return values;
  };
  return smoothed_over(logarithms(lr), y, logarithms(at), kRateHalfWidth, neighbours);
}

}  // namespace onecycle
