#pragma once

#include "kernels/cuda_kernel.h"
#include "kernels/norm/batch_norm_cuda.h"
#include "kernels/norm/norm_element.h"
#include "kernels/norm/norm_geometry.h"

// Where the threads of a batch norm's kernels work, and the coefficients of their channels.
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

}  // namespace onecycle::kernels
