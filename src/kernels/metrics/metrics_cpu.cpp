#include "kernels/metrics/metrics.h"

#include <algorithm>
#include <cmath>

namespace onecycle::kernels {

void add_metrics_cpu(MetricSums* sums, const float* mean_loss, const float* logits,
                     const std::int64_t* labels, std::int64_t num_samples,
                     std::int64_t num_classes) {
  std::int64_t counted = 0;
  std::int64_t correct = 0;
  for (std::int64_t i = 0; i < num_samples; ++i) {
    if (labels[i] < 0) continue;
    const float* row = logits + i * num_classes;
    ++counted;
    correct += std::max_element(row, row + num_classes) - row == labels[i];
  }
  const double loss = *mean_loss;
  if (!std::isfinite(loss) && sums->first_bad < 0) sums->first_bad = sums->batches;
  sums->loss += loss * static_cast<double>(counted);
  sums->own[0] += static_cast<double>(correct);
  sums->samples += static_cast<double>(counted);
  ++sums->batches;
}

}  // namespace onecycle::kernels
