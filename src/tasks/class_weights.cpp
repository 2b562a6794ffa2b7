#include "tasks/class_weights.h"

#include "onecycle/error.h"
#include "onecycle/registry.h"
#include "onecycle/task.h"

#include "core/text/format.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace onecycle {

namespace {

// Of weights made from counts, which say nothing of a class without samples: 1.
std::vector<double> scaled_counts(std::vector<double> weights,
                                  const std::vector<std::int64_t>& counts) {
  weights = scaled_weights(std::move(weights), counts);
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (counts[i] == 0) weights[i] = 1;
  return weights;
}

}  // namespace

std::vector<double> scaled_weights(std::vector<double> weights,
                                   const std::vector<std::int64_t>& counts) {
  double samples = 0;
  double weight = 0;
  for (std::size_t i = 0; i < weights.size() && i < counts.size(); ++i) {
    samples += static_cast<double>(counts[i]);
    weight += static_cast<double>(counts[i]) * weights[i];
  }
  if (weight == 0) return weights;
  for (double& one : weights) one = one * samples / weight;
  return weights;
}

std::vector<double> balanced_weights(const std::vector<std::int64_t>& counts) {
  std::vector<double> weights;
  for (const std::int64_t count : counts)
    weights.push_back(count == 0 ? 1 : 1 / static_cast<double>(count));
  return scaled_counts(std::move(weights), counts);
}

// 1 - beta^count without the cancellation.
std::vector<double> effective_number_weights(const std::vector<std::int64_t>& counts, double beta) {
  std::vector<double> weights;
  for (const std::int64_t count : counts)
    weights.push_back(
        count == 0 ? 1 : (1 - beta) / -std::expm1(static_cast<double>(count) * std::log(beta)));
  return scaled_counts(std::move(weights), counts);
}

std::vector<double> class_weights(const ClassWeights& option, double beta,
                                  const std::vector<std::string>& names,
                                  const std::vector<std::int64_t>& counts) {
  if (option.rule != ClassWeights::Rule::given) {
    if (counts.empty())
      throw FieldError("task.weights",
                       "the data does not say how often each class occurs; give a map of classes");
    return option.rule == ClassWeights::Rule::balanced ? balanced_weights(counts)
                                                       : effective_number_weights(counts, beta);
  }
  std::vector<double> weights(names.size(), 1);
  for (const auto& [name, weight] : option.given) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      const std::string near = nearest_name(name, names);
      throw FieldError("task.weights",
                       format("'{}' is no class of the data{}", name,
                              near.empty() ? "" : format("; did you mean '{}'?", near)));
    }
    weights[static_cast<std::size_t>(found - names.begin())] = weight;
  }
  return scaled_weights(std::move(weights), counts);
}

}  // namespace onecycle
