#pragma once

#include "onecycle/update_rule.h"

#include "kernels/scalar_type.h"

#include <cstdint>

namespace onecycle::kernels {

// One tensor of a fused SGD update. All pointers address `size` elements in the same order.
struct SgdTensor {
  void* weight = nullptr;          // master weights, f32 or f64
  void* velocity = nullptr;        // same type; zero before the first step
  const void* gradient = nullptr;  // `gradient_type`
  void* copy = nullptr;            // bf16 weights the model computes with, or null
  std::int64_t size = 0;
  float lr_scale = 1;
  float decay_scale = 1;  // 0: exempt from decay
  ScalarType type = ScalarType::f32;
  ScalarType gradient_type = ScalarType::f32;  // `type` or bf16
};

// `hyper` addresses {lr, momentum, weight_decay} where the kernel runs: the update reads them
// there, so that a captured step replays under any schedule.

// Elements [begin, end) of one tensor, so that the caller decides on threads.
void sgd_cpu(const SgdTensor& tensor, std::int64_t begin, std::int64_t end, const UpdateRule& rule,
             const double* hyper);

// All tensors, on `stream` (a cudaStream_t). Throws Error where the build has no CUDA kernels.
void sgd_cuda(const SgdTensor* tensors, int num_tensors, const UpdateRule& rule,
              const double* hyper, void* stream);

}  // namespace onecycle::kernels
