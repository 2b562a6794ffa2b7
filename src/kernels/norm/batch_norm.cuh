#pragma once

#include "kernels/cuda_kernel.h"
#include "kernels/norm/batch_norm_cuda.h"
#include "kernels/norm/norm_element.h"
#include "kernels/norm/norm_geometry.h"

// The kernels of kernels/norm/batch_norm_cuda.h. All are of kNormThreads threads; those over rows
// of NormGeometry::blocks() blocks, those that add parts up of finish_blocks().
namespace onecycle::kernels {

// Where a thread works.
struct NormPlace {
  std::int64_t channel;  // the first of its pack
  std::int64_t row, end;
  int step;     // from one of its rows to the next
  int part;     // of the rows
  int line;     // among the threads of its channels
  bool inside;  // false: its channels do not exist, and it has no rows
};

__device__ inline NormPlace norm_place(const NormGeometry& geometry, int block) {
  const int thread = static_cast<int>(threadIdx.x);
  NormPlace at;
  at.part = block / geometry.tiles;
  at.line = thread / geometry.lanes;
  at.step = geometry.lines;
  const std::int64_t lane =
      static_cast<std::int64_t>(block % geometry.tiles) * geometry.lanes + thread % geometry.lanes;
  at.channel = lane * geometry.pack;
  at.inside = at.channel < geometry.channels;
  const std::int64_t begin = at.part * geometry.span;
  at.end = begin + geometry.span < geometry.rows ? begin + geometry.span : geometry.rows;
  at.row = at.inside ? begin + at.line : at.end;
  return at;
}

// The passes that follow sums go backwards: what those read last is still in the cache.
__device__ inline NormPlace norm_place_backwards(const NormGeometry& geometry) {
  return norm_place(geometry, static_cast<int>(gridDim.x - 1 - blockIdx.x));
}

// use(row, load(row)) for the rows of a thread; kAtOnce loads are under way at a time.
template <int kAtOnce, class Load, class Use>
__device__ void over_norm_rows(const NormPlace& at, const Load& load, const Use& use) {
  std::int64_t row = at.row;
  const std::int64_t step = at.step;
  for (; row + (kAtOnce - 1) * step < at.end; row += kAtOnce * step) {
    decltype(load(row)) values[kAtOnce];
    ONECYCLE_UNROLL
    for (int i = 0; i < kAtOnce; ++i) values[i] = load(row + i * step);
    ONECYCLE_UNROLL
    for (int i = 0; i < kAtOnce; ++i) use(row + i * step, values[i]);
  }
  for (; row < at.end; row += step) use(row, load(row));
}

// By channel of a block's tile, of which it has kNormLanes packs at most.
template <int kPack>
struct NormTile {
  static constexpr int kMost = kNormLanes * kPack;
  float mean[kMost];
  float scale[kMost];
  float shift[kMost];
  float slope[kMost];
  float offset[kMost];
};

// Of the block in which `at` is; all threads together. `slope` and `offset` may be null.
template <int kPack>
__device__ void fill_norm_tile(NormTile<kPack>& tile, const NormGeometry& geometry,
                               const NormPlace& at, const NormParameters& by, const float* slope,
                               const float* offset) {
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t first =
      at.channel - static_cast<std::int64_t>(thread % geometry.lanes) * kPack;
  for (int i = thread; i < geometry.lanes * kPack; i += kNormThreads) {
    const std::int64_t c = first + i;
    if (c >= geometry.channels) break;
    tile.mean[i] = by.mean[c];
    tile.scale[i] = by.weight[c] * inverse_deviation(by.variance[c], by.eps);
    tile.shift[i] = fmaf(-by.mean[c], tile.scale[i], by.bias[c]);
    if (slope != nullptr) tile.slope[i] = slope[c];
    if (offset != nullptr) tile.offset[i] = offset[c];
  }
  __syncthreads();
}

// A thread's channels of one of the tile's arrays, in registers.
template <int kPack>
struct NormChannelPack {
  __device__ NormChannelPack(const float* of_tile, const NormGeometry& geometry) {
    const int first = static_cast<int>(threadIdx.x) % geometry.lanes * kPack;
    ONECYCLE_UNROLL
    for (int k = 0; k < kPack; ++k) v[k] = of_tile[first + k];
  }
  float v[kPack];
};

// Mean and sum of squares about it of each channel of each part: parts[part][2][channels].
template <class T, int kPack>
__global__ void __launch_bounds__(kNormThreads)
    norm_moments_kernel(const NormGeometry geometry, const T* __restrict__ input,
                        float* __restrict__ parts) {
  __shared__ float means[kPack][kNormThreads];
  __shared__ float squares[kPack][kNormThreads];
  __shared__ float counts[kNormThreads];
  const NormPlace at = norm_place(geometry, static_cast<int>(blockIdx.x));
  const int thread = static_cast<int>(threadIdx.x);
  const auto load = [&](std::int64_t row) {
    return load_pack<T, kPack>(input + row * geometry.channels + at.channel);
  };
  // Sums of differences from the thread's first value: of values far from zero, squares of
  // differences from zero lose digits.
  float origin[kPack] = {};
  float sum[kPack] = {};
  float square[kPack] = {};
  float count = 0;
  if (at.row < at.end) {
    const auto first = load(at.row);
    ONECYCLE_UNROLL
    for (int k = 0; k < kPack; ++k) origin[k] = to_float(first.values[k]);
    count = static_cast<float>((at.end - at.row + at.step - 1) / at.step);
  }
  over_norm_rows<4>(at, load, [&](std::int64_t, const Pack<T, kPack>& pack) {
    ONECYCLE_UNROLL
    for (int k = 0; k < kPack; ++k) {
      const float x = to_float(pack.values[k]) - origin[k];
      sum[k] += x;
      square[k] = fmaf(x, x, square[k]);
    }
  });
  const float inverse_count = count > 0 ? 1 / count : 0;
  counts[thread] = count;
  ONECYCLE_UNROLL
  for (int k = 0; k < kPack; ++k) {
    const float apart = sum[k] * inverse_count;
    means[k][thread] = origin[k] + apart;
    squares[k][thread] = fmaf(-apart, sum[k], square[k]);
  }
  for (int half = geometry.lines / 2; half > 0; half /= 2) {
    __syncthreads();
    const int other = thread + half * geometry.lanes;
    if (at.line >= half || counts[other] == 0) continue;
    const Joint sizes(counts[thread], counts[other]);
    counts[thread] += counts[other];
    ONECYCLE_UNROLL
    for (int k = 0; k < kPack; ++k) {
      const Spread both = joined({means[k][thread], squares[k][thread]},
                                 {means[k][other], squares[k][other]}, sizes);
      means[k][thread] = both.mean;
      squares[k][thread] = both.square;
    }
  }
  if (at.line != 0 || !at.inside) return;
  float* const to = parts + 2 * at.part * geometry.channels + at.channel;
  ONECYCLE_UNROLL
  for (int k = 0; k < kPack; ++k) {
    to[k] = means[k][thread];
    to[geometry.channels + k] = squares[k][thread];
  }
}

// output = activation(x scale + shift + addend); `addend` may be null.
template <class T, int kPack, Activation kActivation>
__global__ void __launch_bounds__(kNormThreads)
    normalise_kernel(const NormGeometry geometry, const NormParameters by,
                     const T* __restrict__ input, const T* __restrict__ addend,
                     T* __restrict__ output) {
  __shared__ NormTile<kPack> tile;
  const NormPlace at = norm_place_backwards(geometry);
  fill_norm_tile(tile, geometry, at, by, nullptr, nullptr);
  const NormChannelPack<kPack> scale(tile.scale, geometry);
  const NormChannelPack<kPack> shift(tile.shift, geometry);
  struct Given {
    Pack<T, kPack> x, added;
  };
  const auto load = [&](std::int64_t row) {
    const std::int64_t place = row * geometry.channels + at.channel;
    Given given{};
    given.x = load_pack<T, kPack>(input + place);
    if (addend != nullptr) given.added = load_pack<T, kPack>(addend + place);
    return given;
  };
  over_norm_rows<2>(at, load, [&](std::int64_t row, const Given& given) {
    Pack<T, kPack> result;
    ONECYCLE_UNROLL
    for (int k = 0; k < kPack; ++k) {
      float z = normalised_value(to_float(given.x.values[k]), scale.v[k], shift.v[k]);
      if (addend != nullptr) z += to_float(given.added.values[k]);
      store_value(&result.values[k], activate<kActivation>(z));
    }
    store_pack(output + row * geometry.channels + at.channel, result);
  });
}

// As NormCpu::gradient_sums: parts[part][2][channels].
template <class T, int kPack, Activation kActivation>
__global__ void __launch_bounds__(kNormThreads)
    norm_gradient_sums_kernel(const NormGeometry geometry, const NormParameters by,
                              const T* __restrict__ input, const NormGradients gradients,
                              T* __restrict__ passed, float* __restrict__ parts) {
  __shared__ NormTile<kPack> tile;
  __shared__ float sums[kPack][kNormThreads];
  __shared__ float products[kPack][kNormThreads];
  const NormPlace at = norm_place(geometry, static_cast<int>(blockIdx.x));
  const int thread = static_cast<int>(threadIdx.x);
  fill_norm_tile(tile, geometry, at, by, nullptr, nullptr);
  const NormChannelPack<kPack> mean(tile.mean, geometry);
  const NormChannelPack<kPack> scale(tile.scale, geometry);
  const NormChannelPack<kPack> shift(tile.shift, geometry);
  const T* __restrict__ const one = static_cast<const T*>(gradients.first);
  const T* __restrict__ const two = static_cast<const T*>(gradients.second);
  // What the activation's slope goes by beside the input: ReLU's output, or the addend.
  constexpr bool kRelu = kActivation == Activation::relu;
  constexpr bool kGelu = kActivation == Activation::gelu;
  const void* const kept = kRelu ? gradients.output : (kGelu ? gradients.addend : nullptr);
  const T* __restrict__ const beside = static_cast<const T*>(kept);
  struct Given {
    Pack<T, kPack> x, one, two, beside;
  };
  const auto load = [&](std::int64_t row) {
    const std::int64_t place = row * geometry.channels + at.channel;
    Given given{};
    given.x = load_pack<T, kPack>(input + place);
    given.one = load_pack<T, kPack>(one + place);
    if (two != nullptr) given.two = load_pack<T, kPack>(two + place);
    if (beside != nullptr) given.beside = load_pack<T, kPack>(beside + place);
    return given;
  };
  float sum[kPack] = {};
  float product[kPack] = {};
  over_norm_rows<2>(at, load, [&](std::int64_t row, const Given& given) {
    Pack<T, kPack> to_pass;
    ONECYCLE_UNROLL
    for (int k = 0; k < kPack; ++k) {
      const float x = to_float(given.x.values[k]);
      float g = to_float(given.one.values[k]);
      if (two != nullptr) g += to_float(given.two.values[k]);
      float z = normalised_value(x, scale.v[k], shift.v[k]);
      if (kRelu && beside != nullptr) z = to_float(given.beside.values[k]);
      if (kGelu && beside != nullptr) z += to_float(given.beside.values[k]);
      g = through_activation<kActivation>(z, g);
      store_value(&to_pass.values[k], g);
      sum[k] += g;
      product[k] = fmaf(g, x - mean.v[k], product[k]);
    }
    if (passed != nullptr) store_pack(passed + row * geometry.channels + at.channel, to_pass);
  });
  ONECYCLE_UNROLL
  for (int k = 0; k < kPack; ++k) {
    sums[k][thread] = sum[k];
    products[k][thread] = product[k];
  }
  for (int half = geometry.lines / 2; half > 0; half /= 2) {
    __syncthreads();
    if (at.line >= half) continue;
    const int other = thread + half * geometry.lanes;
    ONECYCLE_UNROLL
    for (int k = 0; k < kPack; ++k) {
      sums[k][thread] += sums[k][other];
      products[k][thread] += products[k][other];
    }
  }
  if (at.line != 0 || !at.inside) return;
  float* const to = parts + 2 * at.part * geometry.channels + at.channel;
  ONECYCLE_UNROLL
  for (int k = 0; k < kPack; ++k) {
    to[k] = sums[k][thread];
    to[geometry.channels + k] = products[k][thread];
  }
}

// input_gradient = scale g + slope (x - mean) + offset; `masks`: g is `gradient` where ReLU's input
// is positive, else it is `gradient`.
template <class T, int kPack>
__global__ void __launch_bounds__(kNormThreads)
    norm_input_gradient_kernel(const NormGeometry geometry, const NormParameters by,
                               const float* slope, const float* offset, const T* __restrict__ input,
                               const T* __restrict__ gradient, const bool masks,
                               T* __restrict__ input_gradient) {
  __shared__ NormTile<kPack> tile;
  const NormPlace at = norm_place_backwards(geometry);
  fill_norm_tile(tile, geometry, at, by, slope, offset);
  const NormChannelPack<kPack> mean(tile.mean, geometry);
  const NormChannelPack<kPack> scale(tile.scale, geometry);
  const NormChannelPack<kPack> shift(tile.shift, geometry);
  const NormChannelPack<kPack> slopes(tile.slope, geometry);
  const NormChannelPack<kPack> offsets(tile.offset, geometry);
  struct Given {
    Pack<T, kPack> x, gradient;
  };
  const auto load = [&](std::int64_t row) {
    const std::int64_t place = row * geometry.channels + at.channel;
    return Given{load_pack<T, kPack>(input + place), load_pack<T, kPack>(gradient + place)};
  };
  over_norm_rows<2>(at, load, [&](std::int64_t row, const Given& given) {
    Pack<T, kPack> result;
    ONECYCLE_UNROLL
    for (int k = 0; k < kPack; ++k) {
      const float x = to_float(given.x.values[k]);
      float g = to_float(given.gradient.values[k]);
      if (masks)
        g = through_activation<Activation::relu>(normalised_value(x, scale.v[k], shift.v[k]), g);
      const float by_moments = fmaf(slopes.v[k], x - mean.v[k], offsets.v[k]);
      store_value(&result.values[k], fmaf(scale.v[k], g, by_moments));
    }
    store_pack(input_gradient + row * geometry.channels + at.channel, result);
  });
}

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
