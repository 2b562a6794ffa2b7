#pragma once

#include "onecycle/group.h"

#include <vector>

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>

namespace onecycle {

// c10d::Reducer over the weights: gradients in buckets of 25 MB (the first 1 MB), in the order in
// which backward makes them, each reduced as soon as it is full.
std::unique_ptr<GradientReduction> reducer_over(
    std::vector<at::Tensor> weights, GradientFormat gradients,
    const c10::intrusive_ptr<c10d::ProcessGroup>& processes);

}  // namespace onecycle
