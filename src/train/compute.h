#pragma once

#include "onecycle/trainer.h"

namespace onecycle {

// Chooses the device and the number format, and says so in `summary`. A rank takes the GPU of its
// number on its machine. Throws FieldError where the recipe asks for what this machine or build
// has not.
Compute choose_compute(const ComputeOptions& options, const torch::nn::Module& model,
                       const Group& group);

// Why the number format that `options` name has no hardware here: half a sentence. "" where it has,
// or where it names none. `local_rank`: which GPU would be the process's.
std::string why_no_precision(const ComputeOptions& options, std::int64_t local_rank = 0);

// Throws FieldError with that. A run would be right all the same, and many times slower: for
// callers to ask before they read any data.
void require_precision(const ComputeOptions& options, std::int64_t local_rank = 0);

// "no NVIDIA driver", "the driver is too old for CUDA 13", ...: why there is no CUDA device to use,
// or "" where there is one. `index`: which of them is asked for.
std::string why_no_cuda(std::int64_t index = 0);

}  // namespace onecycle
