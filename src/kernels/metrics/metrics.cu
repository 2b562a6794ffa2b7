#include "kernels/cuda_check.h"
#include "kernels/metrics/metrics.h"

#include <cuda_runtime.h>

namespace onecycle::kernels {

namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads)
    add_metrics_kernel(MetricSums* sums, const float* mean_loss, const float* logits,
                       const std::int64_t* labels, std::int64_t num_samples,
                       std::int64_t num_classes) {
  __shared__ unsigned long long counted;
  __shared__ unsigned long long correct;
  if (threadIdx.x == 0) counted = correct = 0;
  __syncthreads();
  for (std::int64_t i = threadIdx.x; i < num_samples; i += kThreads) {
    if (labels[i] < 0) continue;
    const float* row = logits + i * num_classes;
    std::int64_t best = 0;
    for (std::int64_t c = 1; c < num_classes; ++c)
      if (row[c] > row[best]) best = c;
    atomicAdd(&counted, 1ULL);
    if (best == labels[i]) atomicAdd(&correct, 1ULL);
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  const double loss = *mean_loss;
  if (!isfinite(loss) && sums->first_bad < 0) sums->first_bad = sums->batches;
  sums->loss += loss * static_cast<double>(counted);
  sums->own[0] += static_cast<double>(correct);
  sums->samples += static_cast<double>(counted);
  ++sums->batches;
}

}  // namespace

void add_metrics_cuda(MetricSums* sums, const float* mean_loss, const float* logits,
                      const std::int64_t* labels, std::int64_t num_samples,
                      std::int64_t num_classes, void* stream) {
  add_metrics_kernel<<<1, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      sums, mean_loss, logits, labels, num_samples, num_classes);
  check_cuda(cudaGetLastError(), "the metrics kernel");
}

}  // namespace onecycle::kernels
