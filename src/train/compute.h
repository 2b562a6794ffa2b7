#pragma once

#include "onecycle/compute.h"
#include "onecycle/group.h"

#include <c10/core/impl/VirtualGuardImpl.h>

namespace onecycle {

// The same for a rank that trains. Its GPU becomes the current one, for kernels that are given a
// stream alone.
inline Compute choose_compute(const ComputeOptions& options, const torch::nn::Module& model,
                              const Group& group) {
  Compute compute = choose_compute(options, model, group.local_rank());
  if (compute.device.is_cuda()) c10::impl::VirtualGuardImpl(c10::kCUDA).setDevice(compute.device);
  return compute;
}

}  // namespace onecycle
