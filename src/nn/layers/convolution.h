#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <torch/nn/modules/conv.h>

namespace onecycle {

// A square convolution without a bias; the same size out as in at stride 1 and an odd kernel. In
// bf16 on the CPU by nn/ops/direct_convolution.h where that
// suits, whose gradients have none themselves.
class ConvolutionImpl : public torch::nn::Conv2dImpl {
 public:
  ConvolutionImpl(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
                  std::int64_t groups = 1);
  at::Tensor forward(const at::Tensor& images);

 private:
  std::int64_t stride_;
};
TORCH_MODULE(Convolution);

}  // namespace onecycle
