#include "tasks/label_scores.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace onecycle {

double average_precision(const LabelColumn& column) {
  const auto& [scores, truth] = column;
  const auto positives = static_cast<double>(std::count(truth.begin(), truth.end(), true));
  const auto is_nan = [](double score) { return std::isnan(score); };
  if (positives == 0 || std::any_of(scores.begin(), scores.end(), is_nan)) return NAN;
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  double sum = 0;
  double hits = 0;
  double hits_before = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (truth[order[i]]) ++hits;
    if (i + 1 < order.size() && scores[order[i + 1]] == scores[order[i]]) continue;
    sum += (hits - hits_before) / positives * (hits / static_cast<double>(i + 1));
    hits_before = hits;
  }
  return sum;
}

double LabelCounts::f1() const {
  const double all = 2 * hits + false_alarms + misses;
  return all == 0 ? 0 : 2 * hits / all;
}

LabelCounts label_counts(const LabelColumn& column, double threshold) {
  LabelCounts counts;
  for (std::size_t i = 0; i < column.scores.size(); ++i) {
    const bool said = column.scores[i] >= threshold;
    if (said && column.truth[i]) ++counts.hits;
    if (said && !column.truth[i]) ++counts.false_alarms;
    if (!said && column.truth[i]) ++counts.misses;
  }
  return counts;
}

}  // namespace onecycle
