#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

namespace onecycle {

struct DenseLayer {
  at::Tensor weight;  // [out, in]
  at::Tensor bias;    // [out]
};

// Dense layers with ReLU between them, and dropout after each ReLU: [N, in] -> [N, out]. Without
// dropout one node of the graph stands for all of them: for small layers, what autograd does for
// an operator takes as long as the operator.
at::Tensor dense_stack(const at::Tensor& input, const std::vector<DenseLayer>& layers,
                       double dropout);

}  // namespace onecycle
