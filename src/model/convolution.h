#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <torch/nn/modules/conv.h>

namespace onecycle {

// A square convolution without a bias; the same size out as in at stride 1 and an odd kernel. On
// the CPU in bf16, where a picture is a few pixels when it comes out and the channels are many, the
// gradient of the weights is a matrix product: oneDNN's own kernel for it works along a picture's
// rows and is at half of its speed, and less, on such short ones. So are both gradients of a 1x1
// kernel that leaves pixels out.
class ConvolutionImpl : public torch::nn::Conv2dImpl {
 public:
  ConvolutionImpl(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
                  std::int64_t groups = 1);
  at::Tensor forward(const at::Tensor& images);

 private:
  std::int64_t stride_;
};
TORCH_MODULE(Convolution);

// Whether the product is the faster way: by measurements of 3x3 and 1x1 kernels on a processor with
// AVX-512 BF16 and without matrix tiles.
bool gains_by_product(const at::Tensor& images, const at::Tensor& weight, std::int64_t stride);

// The gradient of images of which a 1x1 kernel sees one pixel in stride x stride: shapes as below,
// weight [O, C, 1, 1].
at::Tensor image_gradient_by_product(const at::Tensor& images, const at::Tensor& output_gradient,
                                     const at::Tensor& weight, std::int64_t stride);

// images [N, C, H, W], output_gradient [N, O, H', W'], both channels last, H' and W' those of
// ConvolutionImpl; the gradient of a weight [O, C, kernel, kernel], channels last.
at::Tensor weight_gradient_by_product(const at::Tensor& images, const at::Tensor& output_gradient,
                                      std::int64_t kernel, std::int64_t stride);

}  // namespace onecycle
