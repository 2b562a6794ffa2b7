#include "onecycle/verdict.h"

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

}  // namespace onecycle
