#include "onecycle/task.h"

#include <cmath>
#include <cstddef>

namespace onecycle {

std::vector<double> scaled_weights(std::vector<double> weights,
                                   const std::vector<std::int64_t>& counts) {
  double samples = 0;
  double weight = 0;
  for (std::size_t i = 0; i < weights.size() && i < counts.size(); ++i) {
    samples += static_cast<double>(counts[i]);
    weight += static_cast<double>(counts[i]) * weights[i];
  }
  if (weight == 0) return weights;
  for (std::size_t i = 0; i < weights.size(); ++i)
    weights[i] = i < counts.size() && counts[i] == 0 ? 1 : weights[i] * samples / weight;
  return weights;
}

std::vector<double> balanced_weights(const std::vector<std::int64_t>& counts) {
  std::vector<double> weights;
  for (const std::int64_t count : counts)
    weights.push_back(count == 0 ? 1 : 1 / static_cast<double>(count));
  return scaled_weights(std::move(weights), counts);
}

// 1 - beta^count without the cancellation.
std::vector<double> effective_number_weights(const std::vector<std::int64_t>& counts, double beta) {
  std::vector<double> weights;
  for (const std::int64_t count : counts)
    weights.push_back(
        count == 0 ? 1 : (1 - beta) / -std::expm1(static_cast<double>(count) * std::log(beta)));
  return scaled_weights(std::move(weights), counts);
}

}  // namespace onecycle
