#include "tuning/range_test/smoothing.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace onecycle {

namespace {

constexpr double kRateHalfWidth = 0.15;  // decades

double tricube(double u) {
  const double t = 1 - u * u * u;
  return t * t * t;
}

std::vector<double> logarithms(std::vector<double> values) {
  for (double& value : values) value = std::log10(value);
  return values;
}

std::vector<double> weighted(const std::vector<std::vector<double>>& weights,
                             const std::vector<double>& y) {
  std::vector<double> result;
  for (const std::vector<double>& row : weights)
    result.push_back(std::inner_product(row.begin(), row.end(), y.begin(), 0.0));
  return result;
}

}  // namespace

double CausalAverage::add(double value) {
  sum_ = beta_ * sum_ + (1 - beta_) * value;
  weight_ = beta_ * weight_ + (1 - beta_);
  return sum_ / weight_;
}

std::vector<std::vector<double>> smoothing_weights(const std::vector<double>& x,
                                                   const std::vector<double>& at, double half_width,
                                                   int neighbours) {
  std::vector<std::vector<double>> result;
  std::vector<double> distance(x.size());
  for (const double centre : at) {
    for (std::size_t i = 0; i < x.size(); ++i) distance[i] = std::abs(x[i] - centre);
    std::vector<double> sorted = distance;
    const std::size_t nth = std::min(x.size() - 1, static_cast<std::size_t>(neighbours));
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(nth),
                     sorted.end());
    // A little wider, so that the farthest of them counts.
    const double width = std::max(half_width, 1.0001 * sorted[nth]);
    std::vector<double> row(x.size(), 0);
    double w = 0, wx = 0, wxx = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (distance[i] >= width) continue;
      const double from = x[i] - centre;
      row[i] = tricube(distance[i] / width);
      w += row[i];
      wx += row[i] * from;
      wxx += row[i] * from * from;
    }
    const double spread = w * wxx - wx * wx;
    const bool is_line = spread > 1e-12 * w * w * width * width;
    for (std::size_t i = 0; i < x.size(); ++i)
      row[i] *= is_line ? (wxx - wx * (x[i] - centre)) / spread : 1 / w;
    result.push_back(std::move(row));
  }
  return result;
}

std::vector<double> smoothed_over(const std::vector<double>& x, const std::vector<double>& y,
                                  const std::vector<double>& at, double half_width,
                                  int neighbours) {
  return weighted(smoothing_weights(x, at, half_width, neighbours), y);
}

std::vector<std::vector<double>> smoothing_weights_over_lr(const std::vector<double>& lr,
                                                           const std::vector<double>& at,
                                                           int neighbours) {
  return smoothing_weights(logarithms(lr), logarithms(at), kRateHalfWidth, neighbours);
}

std::vector<double> smoothed_over_lr(const std::vector<double>& lr, const std::vector<double>& y,
                                     const std::vector<double>& at, int neighbours) {
  return weighted(smoothing_weights_over_lr(lr, at, neighbours), y);
}

}  // namespace onecycle
