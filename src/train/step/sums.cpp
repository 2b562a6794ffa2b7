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
    sums.weight += other.weight;
    for (int i = 0; i < kMostSums; ++i) sums.own[i] += other.own[i];
    sums.batches = std::max(sums.batches, other.batches);
    if (other.first_bad >= 0)
      sums.first_bad =
          sums.first_bad < 0 ? other.first_bad : std::min(sums.first_bad, other.first_bad);
  }
  return sums;
}

Score score_between(const MetricSums& before, const MetricSums& after, const Task& task,
                    const at::Tensor& kept) {
  Score score;
  score.samples = static_cast<std::int64_t>(after.samples - before.samples);
  const double weight = after.weight - before.weight;
  score.loss =
      (after.loss - before.loss) /
      (weight > 0 ? weight : static_cast<double>(std::max<std::int64_t>(1, score.samples)));
  std::vector<double> own(kMostSums);
  for (int i = 0; i < kMostSums; ++i)
    own[static_cast<std::size_t>(i)] = after.own[i] - before.own[i];
  score.metrics = task.metric_values(own, score.samples, kept);
  return score;
}

}  // namespace onecycle
