#include "nn/layers/convolution.h"

#include "nn/ops/direct_convolution.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

namespace onecycle {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

torch::nn::Conv2dOptions options_of(std::int64_t in, std::int64_t out, std::int64_t kernel,
                                    std::int64_t stride, std::int64_t groups) {
  return torch::nn::Conv2dOptions(in, out, kernel)
      .stride(stride)
      .padding(kernel / 2)
      .groups(groups)
      .bias(false);
}

class DirectConvolution : public torch::autograd::Function<DirectConvolution> {
 public:
  static Variable forward(AutogradContext* context, const Variable& images, const Variable& weight,
                          ConvolutionStep step) {
    context->save_for_backward({images, weight});
    context->saved_data["stride"] = step.stride;
    context->saved_data["pad"] = step.pad;
    return direct_convolution(images, weight, step);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &images = saved[0], &weight = saved[1];
    const ConvolutionStep step = {context->saved_data["stride"].toInt(),
                                  context->saved_data["pad"].toInt()};
    const at::Tensor gradient = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    variable_list result(3);
    if (context->needs_input_grad(0))
      result[0] = direct_image_gradient(gradient, weight, images.sizes(), step);
    if (context->needs_input_grad(1))
      result[1] = direct_weight_gradient(images, gradient, weight.size(2), step);
    return result;
  }
};

}  // namespace

ConvolutionImpl::ConvolutionImpl(std::int64_t in, std::int64_t out, std::int64_t kernel,
                                 std::int64_t stride, std::int64_t groups)
    : torch::nn::Conv2dImpl(options_of(in, out, kernel, stride, groups)), stride_(stride) {}

at::Tensor ConvolutionImpl::forward(const at::Tensor& images) {
  const ConvolutionStep step = {stride_, weight.size(2) / 2};
  return convolves_directly(images, weight, step) ? DirectConvolution::apply(images, weight, step)
                                                  : torch::nn::Conv2dImpl::forward(images);
}

}  // namespace onecycle
