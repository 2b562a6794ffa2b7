#pragma once

#include "kernels/update/update_tensor.h"

#include <cstdint>
#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>

namespace onecycle {

// Whether the same elements stand at the same places: a dimension of length 1 may have any stride.
bool same_layout(const at::Tensor& a, const at::Tensor& b);

// What kernels call the type of weights. Throws Error for one that they do not know.
kernels::ScalarType kernel_type(const at::Tensor& tensor);

// Elements [begin, end) of a tensor.
using PieceFunction =
    std::function<void(const kernels::UpdateTensor& tensor, std::int64_t begin, std::int64_t end)>;

// Calls `run` for pieces that make up all elements of all tensors, shared out to ATen's threads.
void for_pieces(const std::vector<kernels::UpdateTensor>& tensors, const PieceFunction& run);

}  // namespace onecycle
