#include "kernels/cuda_check.h"
#include "kernels/gather.h"

#include <algorithm>
#include <cuda_runtime.h>

namespace onecycle::kernels {

namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kMaxBlocksPerRow = 64;

template <class Out>
struct Rounding {
  using Work = Out;
  static __device__ Out of(Work value) { return value; }
};
template <>
struct Rounding<BFloat16> {
  using Work = float;
  static __device__ BFloat16 of(Work value) { return to_bfloat16(value); }
};

// a * wa + b * wb without fusing: the CPU twin's bits.
__device__ float blend(float a, float wa, float b, float wb) {
  return __fadd_rn(__fmul_rn(a, wa), __fmul_rn(b, wb));
}
__device__ double blend(double a, double wa, double b, double wb) {
  return __dadd_rn(__dmul_rn(a, wa), __dmul_rn(b, wb));
}

// The normalised value of channel c at (y, x) of the output for a sample under `place`.
template <class Work, class In>
__device__ Work placed(const Gather& gather, std::int64_t sample, const Placement& place,
                       std::int64_t c, std::int64_t y, std::int64_t x) {
  if (y >= place.cut_top && y < place.cut_bottom && x >= place.cut_left && x < place.cut_right)
    return 0;
  const std::int64_t from_y = y + place.shift_y;
  const std::int64_t from_x = (place.flipped ? gather.width - 1 - x : x) + place.shift_x;
  const bool inside = from_y >= 0 && from_y < gather.height && from_x >= 0 && from_x < gather.width;
  if (gather.mean_image && !inside) return 0;
  const std::int64_t plane = gather.height * gather.width;
  const std::int64_t index = c * plane + from_y * gather.width + from_x;
  const In* in = static_cast<const In*>(gather.images) + sample * gather.channels * plane;
  const In pixel = inside ? in[index] : In(0);
  const double mean = gather.mean[gather.mean_image ? index : c];
  return (static_cast<Work>(pixel) - static_cast<Work>(mean)) *
         static_cast<Work>(gather.inverse_std[c]);
}

__device__ Placement placement_of(const Gather& gather, std::int64_t sample) {
  return gather.augments() ? placement(gather, sample) : Placement{};
}

// blockIdx.y = row of the batch; the threads of the row's blocks stride over its output elements.
template <class In, class Out>
__global__ void gather_kernel(const Gather gather) {
  using Work = typename Rounding<Out>::Work;
  const std::int64_t plane = gather.height * gather.width;
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
    const std::int64_t at = gather.offset + b;
    const std::int64_t sample = gather.order ? gather.order[at] : at;
    const Placement place = placement_of(gather, sample);
    const std::int64_t partner = gather.mixes() ? gather.partner[sample] : sample;
    const Placement partner_place = gather.mixes() ? placement_of(gather, partner) : place;
    const Work weight = gather.mixes() ? static_cast<Work>(gather.mix_weight[sample]) : Work(1);
    for (std::int64_t i = first; i < size; i += step) {
      const std::int64_t c = gather.channels_last ? i % gather.channels : i / plane;
      const std::int64_t p = gather.channels_last ? i / gather.channels : i % plane;
      const std::int64_t y = p / gather.width;
      const std::int64_t x = p % gather.width;
      Work value = placed<Work, In>(gather, sample, place, c, y, x);
      if (gather.mixes())
        value = blend(value, weight, placed<Work, In>(gather, partner, partner_place, c, y, x),
                      1 - weight);
      out[i] = Rounding<Out>::of(value);
    }
    if (first == 0) gather.out_labels[b] = gather.labels[sample];
    if (first == 0 && gather.mixes()) {
      gather.out_mix_labels[b] = gather.labels[partner];
      gather.out_mix_weight[b] = gather.mix_weight[sample];
    }
  }
}

template <class In>
void launch(const Gather& gather, cudaStream_t stream) {
  const std::int64_t size = gather.channels * gather.height * gather.width;
  const std::int64_t blocks = std::min((size + kThreads - 1) / kThreads, kMaxBlocksPerRow);
  const dim3 grid(static_cast<unsigned>(blocks),
                  static_cast<unsigned>(std::min<std::int64_t>(gather.batch, 65535)));
  switch (gather.element) {
    case ScalarType::f32:
      gather_kernel<In, float><<<grid, kThreads, 0, stream>>>(gather);
      break;
    case ScalarType::bf16:
      gather_kernel<In, BFloat16><<<grid, kThreads, 0, stream>>>(gather);
      break;
    case ScalarType::f64:
      gather_kernel<In, double><<<grid, kThreads, 0, stream>>>(gather);
      break;
  }
}

}  // namespace

bool has_cuda_kernels() { return true; }

void gather_cuda(const Gather& gather, void* stream) {
  if (gather.batch <= 0) return;
  if (gather.pixel == Pixel::uint8)
    launch<std::uint8_t>(gather, static_cast<cudaStream_t>(stream));
  else
    launch<float>(gather, static_cast<cudaStream_t>(stream));
  check_cuda(cudaGetLastError(), "the batch kernel");
}

}  // namespace onecycle::kernels
