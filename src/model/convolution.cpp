#include "model/convolution.h"

#include "kernels/processor.h"

#include <vector>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

namespace onecycle {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

constexpr auto kLayout = at::MemoryFormat::ChannelsLast;

torch::nn::Conv2dOptions options_of(std::int64_t in, std::int64_t out, std::int64_t kernel,
                                    std::int64_t stride, std::int64_t groups) {
  return torch::nn::Conv2dOptions(in, out, kernel)
      .stride(stride)
      .padding(kernel / 2)
      .groups(groups)
      .bias(false);
}

std::int64_t side_out(std::int64_t side, std::int64_t kernel, std::int64_t stride) {
  return (side + kernel / 2 * 2 - kernel) / stride + 1;
}

// [N, C, H, W], channels last, as [N H W, C].
at::Tensor as_rows(const at::Tensor& images) {
  return images.permute({0, 2, 3, 1}).reshape({-1, images.size(1)});
}

class ConvolutionByProduct : public torch::autograd::Function<ConvolutionByProduct> {
 public:
  static Variable forward(AutogradContext* context, const Variable& images, const Variable& weight,
                          std::int64_t stride) {
    context->save_for_backward({images, weight});
    context->saved_data["stride"] = stride;
    return at::conv2d(images, weight, {}, stride, weight.size(2) / 2);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &images = saved[0], &weight = saved[1];
    const std::int64_t stride = context->saved_data["stride"].toInt(), pad = weight.size(2) / 2;
    const at::Tensor gradient = gradients[0].contiguous(kLayout);
    variable_list result(3);
    if (context->needs_input_grad(0))
      result[0] = std::get<0>(at::convolution_backward(gradient, images, weight, {},
                                                       {stride, stride}, {pad, pad}, {1, 1}, false,
                                                       {0, 0}, 1, {true, false, false}));
    if (context->needs_input_grad(1))
      result[1] = weight_gradient_by_product(images, gradient, weight.size(2), stride);
    return result;
  }
};

}  // namespace

bool gains_by_product(const at::Tensor& images, const at::Tensor& weight, std::int64_t stride) {
  constexpr std::int64_t kLeastOfOnePixel = 64, kLeast = 128;    // channels
  constexpr std::int64_t kMostPixels = 16, kMostOfStrided = 64;  // that come out
  if (!images.is_cpu() || images.scalar_type() != at::kBFloat16 || images.dim() != 4 ||
      !images.is_contiguous(kLayout) || !weight.is_contiguous(kLayout) ||
      images.size(1) != weight.size(1) || kernels::has_tiles())
    return false;
  const std::int64_t kernel = weight.size(2);
  if (kernel == 1) return stride > 1 && images.size(1) >= kLeastOfOnePixel;
  const std::int64_t pixels =
      side_out(images.size(2), kernel, stride) * side_out(images.size(3), kernel, stride);
  return images.size(1) >= kLeast && pixels <= (stride > 1 ? kMostOfStrided : kMostPixels);
}

at::Tensor image_gradient_by_product(const at::Tensor& images, const at::Tensor& output_gradient,
                                     const at::Tensor& weight, std::int64_t stride) {
  const std::int64_t height = output_gradient.size(2), width = output_gradient.size(3);
  const at::Tensor seen =
      as_rows(output_gradient).mm(weight.view({weight.size(0), weight.size(1)}));
  at::Tensor gradient = at::zeros_like(images, {}, kLayout);
  gradient.slice(2, 0, {}, stride)
      .slice(3, 0, {}, stride)
      .copy_(seen.view({images.size(0), height, width, images.size(1)}).permute({0, 3, 1, 2}));
  return gradient;
}

at::Tensor weight_gradient_by_product(const at::Tensor& images, const at::Tensor& output_gradient,
                                      std::int64_t kernel, std::int64_t stride) {
  const std::int64_t count = images.size(0), channels = images.size(1);
  const std::int64_t out = output_gradient.size(1);
  const std::int64_t height = output_gradient.size(2), width = output_gradient.size(3);
  const std::int64_t pad = kernel / 2, rows = count * height * width;
  // Padding by nothing would still copy.
  const at::Tensor padded =
      pad == 0 ? images : at::constant_pad_nd(images, {pad, pad, pad, pad}).contiguous(kLayout);
  const std::int64_t line = padded.size(3) * channels;
  const at::Tensor outputs = as_rows(output_gradient).t().contiguous();
  // A row of the kernel at a time: what the products read is three times a picture for a 3x3, not
  // nine.
  std::vector<at::Tensor> kernel_rows;
  for (std::int64_t i = 0; i < kernel; ++i) {
    const at::Tensor seen =
        padded.as_strided({count, height, width, kernel * channels},
                          {padded.size(2) * line, stride * line, stride * channels, 1},
                          padded.storage_offset() + i * line);
    kernel_rows.push_back(outputs.mm(seen.reshape({rows, kernel * channels})));
  }
  return at::stack(kernel_rows, 1).view({out, kernel, kernel, channels}).permute({0, 3, 1, 2});
}

ConvolutionImpl::ConvolutionImpl(std::int64_t in, std::int64_t out, std::int64_t kernel,
                                 std::int64_t stride, std::int64_t groups)
    : torch::nn::Conv2dImpl(options_of(in, out, kernel, stride, groups)), stride_(stride) {}

at::Tensor ConvolutionImpl::forward(const at::Tensor& images) {
  return gains_by_product(images, weight, stride_)
             ? ConvolutionByProduct::apply(images, weight, stride_)
             : torch::nn::Conv2dImpl::forward(images);
}

}  // namespace onecycle
