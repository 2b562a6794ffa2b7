#pragma once

#include "kernels/norm/norm_place.cuh"

// The kernels over rows of kernels/norm/batch_norm_cuda.h: of kNormThreads threads and
// NormGeometry::blocks() blocks.
namespace onecycle::kernels {

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

}  // namespace onecycle::kernels
