#pragma once

#include <ATen/core/Tensor.h>

namespace onecycle {

// at::max_pool2d(images, 2): [N, C, H, W] -> [N, C, H/2, W/2]; on the CPU by
// kernels/pool/max_pool.h where images are channels last, fp32 or bf16, and C is a multiple of 16.
at::Tensor max_pool_halved(const at::Tensor& images);

}  // namespace onecycle
