#pragma once

#include "kernels/cuda_kernel.h"
#include "kernels/metrics/metrics_row.h"

#include <cmath>

// The kernel of a classification's metrics.
namespace onecycle::kernels {

constexpr int kMetricsThreads = 256;
constexpr std::int64_t kMostMetricsBlocks = 1024;
constexpr std::int64_t kClassesOfWarp = 32;  // so many classes and more: a warp a row

// kLanes threads a row: 1, or a warp, which reads neighbours. Only counts meet across blocks: the
// sums are the same in any order. The first block alone adds what is not the rows'.
template <int kLanes>
__global__ void __launch_bounds__(kMetricsThreads)
    add_metrics_kernel(MetricSums* sums, MeanLoss mean_loss, const float* logits,
                       const std::int64_t* labels, std::int64_t num_samples,
                       std::int64_t num_classes) {
  __shared__ unsigned long long counted;
  __shared__ unsigned long long correct;
  if (threadIdx.x == 0) counted = correct = 0;
  __syncthreads();
  constexpr int kRows = kMetricsThreads / kLanes;
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const std::int64_t step = std::int64_t{gridDim.x} * kRows;
  unsigned long long own_correct = 0;
  for (std::int64_t i = std::int64_t{blockIdx.x} * kRows + threadIdx.x / kLanes; i < num_samples;
       i += step) {
    const std::int64_t label = labels[i];
    if (label < 0 || label >= num_classes) continue;
    int beaten = is_beaten<kLanes>(logits + i * num_classes, num_classes, label, lane);
    for (int across = kLanes / 2; across > 0; across /= 2)
      beaten |= __shfl_xor_sync(0xffffffffU, beaten, across);
    own_correct += beaten == 0;
  }
  if (lane == 0 && own_correct > 0) atomicAdd(&correct, own_correct);
  if (blockIdx.x == 0) {
    unsigned long long own_counted = 0;
    for (std::int64_t i = threadIdx.x; i < num_samples; i += kMetricsThreads)
      own_counted += labels[i] >= 0;
    if (own_counted > 0) atomicAdd(&counted, own_counted);
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  if (correct > 0) atomicAdd(&sums->own[0], static_cast<double>(correct));
  if (blockIdx.x != 0) return;
  const double loss = value_of(mean_loss);
  if (!std::isfinite(loss) && sums->first_bad < 0) sums->first_bad = sums->batches;
  sums->loss += loss * static_cast<double>(counted);
  sums->samples += static_cast<double>(counted);
  ++sums->batches;
}

// run(kernel, blocks) with what a batch needs, in blocks of kMetricsThreads.
template <class Run>
void run_metrics_kernel(std::int64_t num_samples, std::int64_t num_classes, const Run& run) {
  const bool warps = num_classes >= kClassesOfWarp;
  const std::int64_t rows = kMetricsThreads / (warps ? 32 : 1);
  const std::int64_t blocks = (num_samples + rows - 1) / rows;
  const auto in_limits = static_cast<unsigned>(blocks < 1                    ? 1
                                               : blocks > kMostMetricsBlocks ? kMostMetricsBlocks
                                                                             : blocks);
  warps ? run(add_metrics_kernel<32>, in_limits) : run(add_metrics_kernel<1>, in_limits);
}

}  // namespace onecycle::kernels
