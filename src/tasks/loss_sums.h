#pragma once

#include "onecycle/task.h"

#include <cstdint>

namespace onecycle {

// Add a batch of so many samples with this mean loss: [], fp32 or fp64. The same sums, bit for bit;
// the second without waiting for the device that they are on.
void add_loss_on_cpu(const at::Tensor& mean, std::int64_t samples, Sums& sums);
void add_loss_on_device(const at::Tensor& mean, std::int64_t samples, Sums& sums);

}  // namespace onecycle
