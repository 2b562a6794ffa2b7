#pragma once

#include "kernels/batch/gather.h"
#include "kernels/batch/gather_sample.h"
#include "kernels/cuda_kernel.h"

// The kernels of a batch.
namespace onecycle::kernels {

constexpr int kGatherThreads = 256;
constexpr std::int64_t kMostBlocksPerRow = 64;
constexpr std::int64_t kMostRowsOfBlocks = 65535;  // CUDA's limit of gridDim.y

template <class In>
__device__ const In* image_of(const Gather& gather, std::int64_t sample) {
  return static_cast<const In*>(gather.images) +
         gather.row_of(sample) * gather.channels * gather.height * gather.width;
}

// The normalised value of channel c at (y, x) of the output for a sample under `place`.
template <class Work, class In>
__device__ Work placed(const Gather& gather, std::int64_t sample, const Placement& place,
                       std::int64_t c, std::int64_t y, std::int64_t x) {
  if (is_cut(place, y, x)) return 0;
  std::int64_t from_y = y + place.shift_y;
  std::int64_t from_x = (place.flipped ? gather.w() - 1 - x : x) + place.shift_x;
  if (gather.pad_reflects) {
    from_y = reflected(from_y, gather.height);
    from_x = reflected(from_x, gather.width);
  }
  const bool inside = from_y >= 0 && from_y < gather.height && from_x >= 0 && from_x < gather.width;
  if (gather.mean_image && !inside) return 0;
  const std::int64_t plane = gather.height * gather.width;
  const std::int64_t index = c * plane + from_y * gather.width + from_x;
  const In* in = image_of<In>(gather, sample);
  const In pixel = inside ? in[index] : In(0);
  const double mean = gather.mean[gather.mean_image ? index : c];
  return (static_cast<Work>(pixel) - static_cast<Work>(mean)) *
         static_cast<Work>(gather.inverse_std[c]);
}

__device__ inline Placement placement_of(const Gather& gather, std::int64_t sample) {
  return gather.moves() ? placement(gather, sample) : Placement{};
}

// A sample whose pixels are computed one by one.
template <class Work, class In>
struct Sampled {
  const In* in;
  Placement place;
  Tint<Work> tint;

  __device__ Sampled(const Gather& gather, std::int64_t sample, std::int64_t grey_sum)
      : in(image_of<In>(gather, sample)),
        place(placement(gather, sample)),
        tint(tint_of<Work>(gather, sample)) {
    tint.pivot = mean_grey<Work, In>(grey_sum, gather.h() * gather.w());
  }

  // put(channel, normalised value)
  template <class Put>
  __device__ void at(const Gather& gather, std::int64_t y, std::int64_t x, const Put& put) const {
    const bool cut = is_cut(place, y, x);
    sample_pixel<Work, In>(gather, in, place, tint, y, x, [&](std::int64_t c, Work value) {
      const Work mean = static_cast<Work>(gather.mean[c]);
      put(c, cut ? Work(0) : (value - mean) * static_cast<Work>(gather.inverse_std[c]));
    });
  }
};

// Sums of grey, for the contrast of row b and of its partner, into grey_sums[2b] and [2b + 1].
template <class Work, class In>
__global__ void grey_kernel(const Gather gather) {
  const std::int64_t plane = gather.h() * gather.w();
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t b = blockIdx.y; b < gather.valid; b += gridDim.y) {
    const std::int64_t sample = gather.sample_of(b);
    for (int which = 0; which < (gather.mixes() ? 2 : 1); ++which) {
      const Sampled<Work, In> own(gather, which == 0 ? sample : gather.partner[sample], 0);
      std::int64_t sum = 0;
      for (std::int64_t p = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; p < plane;
           p += step)
        sum += grey_units<Work, In>(gather, own.in, own.place, own.tint, p / gather.w(),
                                    p % gather.w());
      atomicAdd(reinterpret_cast<unsigned long long*>(gather.grey_sums + 2 * b + which),
                static_cast<unsigned long long>(sum));
    }
  }
}

// One row of the batch, by the threads that start at `first` and stride by `step`.
template <class In, class Out>
__device__ void sample_row(const Gather& gather, std::int64_t b, std::int64_t sample,
                           std::int64_t first, std::int64_t step, Out* out) {
  using Work = WorkOf<Out>;
  const std::int64_t plane = gather.h() * gather.w();
  const std::int64_t* sums = gather.grey_sums;
  const std::int64_t partner = gather.mixes() ? gather.partner[sample] : sample;
  const Sampled<Work, In> own(gather, sample, sums ? sums[2 * b] : 0);
  const Sampled<Work, In> other(gather, partner, sums ? sums[2 * b + 1] : 0);
  const Work weight = gather.mixes() ? static_cast<Work>(gather.mix_weight[sample]) : Work(1);
  for (std::int64_t p = first; p < plane; p += step) {
    const std::int64_t y = p / gather.w();
    const std::int64_t x = p % gather.w();
    const auto place = [&](std::int64_t c) {
      return gather.channels_last ? p * gather.channels + c : c * plane + p;
    };
    if (!gather.mixes()) {
      own.at(gather, y, x,
             [&](std::int64_t c, Work value) { out[place(c)] = rounded<Out>(value); });
      continue;
    }
    Work values[3] = {0, 0, 0};
    own.at(gather, y, x, [&](std::int64_t c, Work value) { values[c] = value; });
    other.at(gather, y, x, [&](std::int64_t c, Work value) {
      out[place(c)] = rounded<Out>(mixed(values[c], value, weight));
    });
  }
}

// blockIdx.y = row of the batch; the threads of the row's blocks stride over its output elements.
template <class In, class Out>
__global__ void gather_kernel(const Gather gather) {
  using Work = WorkOf<Out>;
  const std::int64_t plane = gather.h() * gather.w();
  const std::int64_t size = gather.channels * plane;
  const std::int64_t first = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t b = blockIdx.y; b < gather.batch; b += gridDim.y) {
    Out* out = static_cast<Out*>(gather.out) + b * size;
    if (b >= gather.valid) {
      for (std::int64_t i = first; i < size; i += step) out[i] = Out{};
      if (first == 0) gather.out_labels[b] = -1;
      if (first == 0 && gather.mixes()) {
        gather.out_mix_labels[b] = -1;
        gather.out_mix_weight[b] = 1;
      }
      continue;
    }
    const std::int64_t sample = gather.sample_of(b);
    const std::int64_t partner = gather.mixes() ? gather.partner[sample] : sample;
    if (first == 0) gather.out_labels[b] = gather.labels[sample];
    if (first == 0 && gather.mixes()) {
      gather.out_mix_labels[b] = gather.labels[partner];
      gather.out_mix_weight[b] = gather.mix_weight[sample];
    }
    if (gather.samples()) {
      sample_row<In>(gather, b, sample, first, step, out);
      continue;
    }
    const Placement place = placement_of(gather, sample);
    const Placement partner_place = gather.mixes() ? placement_of(gather, partner) : place;
    const Work weight = gather.mixes() ? static_cast<Work>(gather.mix_weight[sample]) : Work(1);
    for (std::int64_t i = first; i < size; i += step) {
      const std::int64_t c = gather.channels_last ? i % gather.channels : i / plane;
      const std::int64_t p = gather.channels_last ? i / gather.channels : i % plane;
      const std::int64_t y = p / gather.w();
      const std::int64_t x = p % gather.w();
      Work value = placed<Work, In>(gather, sample, place, c, y, x);
      if (gather.mixes())
        value = mixed(value, placed<Work, In>(gather, partner, partner_place, c, y, x), weight);
      out[i] = rounded<Out>(value);
    }
  }
}

// The blocks of a batch: x over a row's elements, y over its rows. At least one row.
inline dim3 gather_grid(const Gather& gather) {
  const std::int64_t size = gather.channels * gather.h() * gather.w();
  const std::int64_t blocks = (size + kGatherThreads - 1) / kGatherThreads;
  return dim3(
      static_cast<unsigned>(blocks < kMostBlocksPerRow ? blocks : kMostBlocksPerRow),
      static_cast<unsigned>(gather.batch < kMostRowsOfBlocks ? gather.batch : kMostRowsOfBlocks));
}

template <class In, class Out, class Run>
void run_gather_kernels_as(const Gather& gather, const Run& run) {
  if (gather.jitters(kContrast)) run(grey_kernel<WorkOf<Out>, In>);
  run(gather_kernel<In, Out>);
}

template <class In, class Run>
void run_gather_kernels_from(const Gather& gather, const Run& run) {
  switch (gather.element) {
    case ScalarType::f32:
      return run_gather_kernels_as<In, float>(gather, run);
    case ScalarType::bf16:
      return run_gather_kernels_as<In, BFloat16>(gather, run);
    case ScalarType::f16:
      return run_gather_kernels_as<In, Float16>(gather, run);
    case ScalarType::f64:
      return run_gather_kernels_as<In, double>(gather, run);
  }
}

// run(kernel) for the kernels that make a batch, one after the other: each is launched with
// gather_grid(), kGatherThreads and the Gather.
template <class Run>
void run_gather_kernels(const Gather& gather, const Run& run) {
  if (gather.batch <= 0) return;
  if (gather.pixel == Pixel::uint8)
    run_gather_kernels_from<std::uint8_t>(gather, run);
  else
    run_gather_kernels_from<float>(gather, run);
}

}  // namespace onecycle::kernels
