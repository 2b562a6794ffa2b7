#include "kernels/metrics/metrics.h"
#include "kernels/metrics/metrics_row.h"

#include <cmath>

namespace onecycle::kernels {

void add_metrics_cpu(MetricSums* sums, MeanLoss mean_loss, const float* logits,
                     const std::int64_t* labels, std::int64_t num_samples,
                     std::int64_t num_classes) {
  std::int64_t counted = 0;
  std::int64_t correct = 0;
  for (std::int64_t i = 0; i < num_samples; ++i) {
    if (labels[i] < 0) continue;
    ++counted;
    if (labels[i] < num_classes)
      correct += !is_beaten<1>(logits + i * num_classes, num_classes, labels[i], 0);
  }
  const double loss = value_of(mean_loss);
  if (!std::isfinite(loss) && sums->first_bad < 0) sums->first_bad = sums->batches;
  sums->loss += loss * static_cast<double>(counted);
  sums->own[0] += static_cast<double>(correct);
  sums->samples += static_cast<double>(counted);
  ++sums->batches;
}

}  // namespace onecycle::kernels
