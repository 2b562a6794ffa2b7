#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

// kernels/convolution/direct_convolution.h on tensors.
namespace onecycle {

struct ConvolutionStep {
  std::int64_t stride = 1;
  std::int64_t pad = 0;
};

// Whether the processor has such a convolution for these: images [N, C, H, W] and weight [O, C, k,
// k] on the CPU in bf16, channels last, from 8 images on, O a multiple of 8.
bool convolves_directly(const at::Tensor& images, const at::Tensor& weight, ConvolutionStep step);

// [N, O, H', W'], channels last.
at::Tensor direct_convolution(const at::Tensor& images, const at::Tensor& weight,
                              ConvolutionStep step);

// output_gradient [N, O, H', W'], channels last; the gradient of images of the sizes [N, C, H, W].
at::Tensor direct_image_gradient(const at::Tensor& output_gradient, const at::Tensor& weight,
                                 at::IntArrayRef image_sizes, ConvolutionStep step);

// The gradient of a weight [O, C, kernel, kernel], channels last, in bf16. The same bits for the
// same count of threads.
at::Tensor direct_weight_gradient(const at::Tensor& images, const at::Tensor& output_gradient,
                                  std::int64_t kernel, ConvolutionStep step);

}  // namespace onecycle
