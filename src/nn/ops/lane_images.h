#pragma once

#include "kernels/lane_count.h"
#include "kernels/scalar_type.h"

#include <cstddef>

#include <ATen/core/Tensor.h>

// Images that the CPU's loops over 16 channels at a time take (kernels/lanes.h).
namespace onecycle {

// [N, C, H, W] on the CPU, dense and channels last, fp32 or bf16, C a multiple of 16.
inline bool in_lanes(const at::Tensor& images) {
  return images.dim() == 4 && images.is_cpu() && images.size(1) % kernels::kLanes == 0 &&
         images.is_contiguous(at::MemoryFormat::ChannelsLast) &&
         (images.scalar_type() == at::kFloat || images.scalar_type() == at::kBFloat16);
}

inline kernels::ScalarType lane_type(const at::Tensor& images) {
  return images.scalar_type() == at::kBFloat16 ? kernels::ScalarType::bf16
                                               : kernels::ScalarType::f32;
}

// Whether writing something of this size is worth no place in the caches: more than the second
// level of two cores.
inline bool past_caches(const at::Tensor& images) {
  constexpr std::size_t kCaches = std::size_t{4} << 20;
  return images.nbytes() > kCaches;
}

}  // namespace onecycle
