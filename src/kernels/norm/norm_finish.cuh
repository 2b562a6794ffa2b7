#pragma once

#include "kernels/cuda_kernel.h"
#include "kernels/norm/batch_norm_cuda.h"
#include "kernels/norm/norm_element.h"
#include "kernels/norm/norm_geometry.h"

// The kernels that make of the parts' sums what passes over rows need: of kNormThreads threads and
// NormGeometry::finish_blocks() blocks. They add up in fp64.
namespace onecycle::kernels {

// Two sums over the parts of the channel that a thread finishes, complete in its first slice.
struct NormTotal {
  double first;
  double second;
};

__device__ inline std::int64_t finished_channel() {
  return static_cast<std::int64_t>(blockIdx.x) * kFinishChannels + threadIdx.x % kFinishChannels;
}

// add(part, total) for every part of the channel.
template <class Add>
__device__ NormTotal norm_total(const NormGeometry& geometry, const Add& add) {
  __shared__ double firsts[kNormThreads];
  __shared__ double seconds[kNormThreads];
  const int thread = static_cast<int>(threadIdx.x);
  const int slice = thread / kFinishChannels;
  NormTotal total{0, 0};
  if (finished_channel() < geometry.channels)
    for (int part = slice; part < geometry.parts; part += kFinishSlices) add(part, total);
  firsts[thread] = total.first;
  seconds[thread] = total.second;
  for (int half = kFinishSlices / 2; half > 0; half /= 2) {
    __syncthreads();
    if (slice >= half) continue;
    firsts[thread] += firsts[thread + half * kFinishChannels];
    seconds[thread] += seconds[thread + half * kFinishChannels];
  }
  return {firsts[thread], seconds[thread]};
}

__device__ inline void move_towards(float* running, std::int64_t channel, double value,
                                    float momentum) {
  if (running == nullptr) return;
  running[channel] = fmaf(momentum, static_cast<float>(value) - running[channel], running[channel]);
}

// The moments of all rows from those of the parts.
__global__ void __launch_bounds__(kNormThreads)
    norm_finish_moments_kernel(const NormGeometry geometry, const float* __restrict__ parts,
                               const NormStatistics to) {
  const std::int64_t channel = finished_channel();
  const auto count = static_cast<double>(geometry.rows);
  const double origin = channel < geometry.channels ? parts[channel] : 0;
  const NormTotal total = norm_total(geometry, [&](int part, NormTotal& sums) {
    const float* const of_part = parts + 2 * part * geometry.channels + channel;
    const std::int64_t left = geometry.rows - part * geometry.span;
    const auto size = static_cast<double>(left < geometry.span ? left : geometry.span);
    const double apart = of_part[0] - origin;
    sums.first += size * apart;
    sums.second += of_part[geometry.channels] + size * apart * apart;
  });
  if (threadIdx.x >= kFinishChannels || channel >= geometry.channels) return;
  const double apart = total.first / count;
  const double mean = origin + apart;
  const double square = total.second - total.first * apart;
  const double variance = square < 0 ? 0 : square / count;
  to.mean[channel] = static_cast<float>(mean);
  to.variance[channel] = static_cast<float>(variance);
  move_towards(to.running_mean, channel, mean, to.momentum);
  move_towards(to.running_variance, channel, variance * (count / (count - 1)), to.momentum);
}

// The parameters' gradients from the parts' sums, and what the input's is made with.
__global__ void __launch_bounds__(kNormThreads)
    norm_finish_gradients_kernel(const NormGeometry geometry, const NormParameters by,
                                 const float* __restrict__ parts, const NormSums to) {
  const std::int64_t channel = finished_channel();
  const NormTotal total = norm_total(geometry, [&](int part, NormTotal& sums) {
    const float* const of_part = parts + 2 * part * geometry.channels + channel;
    sums.first += of_part[0];
    sums.second += of_part[geometry.channels];
  });
  if (threadIdx.x >= kFinishChannels || channel >= geometry.channels) return;
  const double inverse = inverse_deviation(by.variance[channel], by.eps);
  const double share = by.weight[channel] * inverse / static_cast<double>(geometry.rows);
  to.weight_gradient[channel] = static_cast<float>(total.second * inverse);
  to.bias_gradient[channel] = static_cast<float>(total.first);
  to.slope[channel] = static_cast<float>(-share * inverse * inverse * total.second);
  to.offset[channel] = static_cast<float>(-share * total.first);
}

}  // namespace onecycle::kernels
