#pragma once

#include "kernels/update/loss_scale.h"

namespace onecycle::kernels {

struct AdamwRule {
  DecayMode decay = DecayMode::decoupled;
  double lr_max = 1;  // the schedule's peak; read by `independent` alone
  double beta2 = 0.999;
  double eps = 1e-8;
};

// The fused AdamW update: momentum is beta1, and state is {exp_avg, exp_avg_sq}.

// `loss_scale`, where the kernel runs, or null: gradients are unscaled, and nothing changes where
// one of them was not finite.

// Elements [begin, end) of one tensor, so that the caller decides on threads.
void adamw_cpu(const UpdateTensor& tensor, std::int64_t begin, std::int64_t end,
               const AdamwRule& rule, const StepNumbers* numbers,
               const LossScale* loss_scale = nullptr);

// All tensors, on `stream` (a cudaStream_t). Throws Error where the build has no CUDA kernels.
void adamw_cuda(const UpdateTensor* tensors, int num_tensors, const AdamwRule& rule,
                const StepNumbers* numbers, void* stream, const LossScale* loss_scale = nullptr);

}  // namespace onecycle::kernels
