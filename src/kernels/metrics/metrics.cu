#include "kernels/cuda_check.h"
#include "kernels/metrics/metrics.cuh"

namespace onecycle::kernels {

void add_metrics_cuda(MetricSums* sums, MeanLoss mean_loss, const float* logits,
                      const std::int64_t* labels, std::int64_t num_samples,
                      std::int64_t num_classes, void* stream) {
  run_metrics_kernel(num_samples, num_classes, [&](auto kernel, unsigned blocks) {
    kernel<<<blocks, kMetricsThreads, 0, static_cast<cudaStream_t>(stream)>>>(
        sums, mean_loss, logits, labels, num_samples, num_classes);
    check_cuda(cudaGetLastError(), "the metrics kernel");
  });
}

}  // namespace onecycle::kernels
