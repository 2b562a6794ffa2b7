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

template <class Out, class In>
__device__ Out normalised(const Gather& gather, std::int64_t channel, In pixel) {
  using Work = typename Rounding<Out>::Work;
  const Work centred = static_cast<Work>(pixel) - static_cast<Work>(gather.mean[channel]);
  return Rounding<Out>::of(centred * static_cast<Work>(gather.inverse_std[channel]));
}

// blockIdx.y = row of the batch; the threads of the row's blocks stride over its output elements.
template <class In, class Out>
__global__ void gather_kernel(const Gather gather) {
  const std::int64_t plane = gather.height * gather.width;
  const std::int64_t size = gather.channels * plane;
  const std::int64_t first = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t b = blockIdx.y; b < gather.batch; b += gridDim.y) {
    Out* out = static_cast<Out*>(gather.out) + b * size;
    if (b >= gather.valid) {
      for (std::int64_t i = first; i < size; i += step) out[i] = Out{};
      if (first == 0) gather.out_labels[b] = -1;
      continue;
    }
    const std::int64_t at = gather.offset + b;
    const std::int64_t sample = gather.order ? gather.order[at] : at;
    const In* in = static_cast<const In*>(gather.images) + sample * size;
    const Placement place = gather.augments() ? placement(gather, sample) : Placement{};
    for (std::int64_t i = first; i < size; i += step) {
      const std::int64_t c = gather.channels_last ? i % gather.channels : i / plane;
      const std::int64_t p = gather.channels_last ? i / gather.channels : i % plane;
      const std::int64_t y = p / gather.width;
      const std::int64_t x = p % gather.width;
      if (y >= place.cut_top && y < place.cut_bottom && x >= place.cut_left &&
          x < place.cut_right) {
        out[i] = Out{};
        continue;
      }
      const std::int64_t from_y = y + place.shift_y;
      const std::int64_t from_x = (place.flipped ? gather.width - 1 - x : x) + place.shift_x;
      const bool inside =
          from_y >= 0 && from_y < gather.height && from_x >= 0 && from_x < gather.width;
      const In pixel = inside ? in[c * plane + from_y * gather.width + from_x] : In(0);
      out[i] = normalised<Out>(gather, c, pixel);
    }
    if (first == 0) gather.out_labels[b] = gather.labels[sample];
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
