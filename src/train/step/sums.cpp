#include "train/step/sums.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace onecycle {

using kernels::MetricSums;

MetricSums sum_over(Group& group, const MetricSums& own) {
  if (group.size() == 1) return own;
  std::vector<double> values(sizeof own / sizeof(double));
  std::memcpy(values.data(), &own, sizeof own);
  MetricSums sums;
  for (const auto& one : group.all_gather(values)) {
    MetricSums other;
    std::memcpy(static_cast<void*>(&other), one.data(), sizeof other);
    sums.loss += other.loss;
    sums.samples += other.samples;
    for (int i = 0; i < kMostMetrics; ++i) sums.metrics[i] += other.metrics[i];
    sums.batches = std::max(sums.batches, other.batches);
    if (other.first_bad >= 0)
      sums.first_bad =
          sums.first_bad < 0 ? other.first_bad : std::min(sums.first_bad, other.first_bad);
  }
  return sums;
}

Score score_between(const MetricSums& before, const MetricSums& after, std::size_t metrics) {
  Score score;
  score.samples = static_cast<std::int64_t>(after.samples - before.samples);
  const auto count = static_cast<double>(std::max<std::int64_t>(1, score.samples));
  score.loss = (after.loss - before.loss) / count;
  for (std::size_t i = 0; i < metrics; ++i)
    score.metrics.push_back((after.metrics[i] - before.metrics[i]) / count);
  return score;
}

}  // namespace onecycle
