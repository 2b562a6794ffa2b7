#include "nn/ops/dense_stack.h"

#include "nn/ops/matrix_product.h"

#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/custom_function.h>

namespace onecycle {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

// Inputs: what goes in, then weight and bias of every layer.
class DenseStack : public torch::autograd::Function<DenseStack> {
 public:
  static Variable forward(AutogradContext* context, at::TensorList inputs) {
    RECORD_USER_SCOPE("onecycle::dense_stack");
    const std::size_t layers = inputs.size() / 2;
    variable_list saved;
    at::Tensor values = inputs[0];
    for (std::size_t i = 0; i < layers; ++i) {
      const at::Tensor& weight = inputs[1 + 2 * i];
      saved.push_back(values);
      saved.push_back(weight);
      values = product(values, weight, inputs[2 + 2 * i], /*relu=*/i + 1 < layers);
    }
    context->save_for_backward(std::move(saved));
    return values;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    variable_list result(saved.size() + 1);
    at::Tensor gradient = gradients[0];
    for (std::size_t i = saved.size() / 2; i-- > 0;) {
      const at::Tensor& values = saved[2 * i];
      const at::Tensor& weight = saved[2 * i + 1];
      if (context->needs_input_grad(1 + 2 * i))
        result[1 + 2 * i] = product(gradient.t(), values.t());
      if (context->needs_input_grad(2 + 2 * i)) result[2 + 2 * i] = gradient.sum(0);
      if (i == 0 && !context->needs_input_grad(0)) break;
      gradient = product(gradient, weight.t());
      if (i > 0) at::threshold_backward_out(gradient, gradient, values, 0);
    }
    if (context->needs_input_grad(0)) result[0] = gradient;
    return result;
  }
};

}  // namespace

at::Tensor dense_stack(const at::Tensor& input, const std::vector<DenseLayer>& layers,
                       double dropout) {
  if (dropout == 0) {
    variable_list inputs{input};
    for (const DenseLayer& layer : layers) {
      inputs.push_back(layer.weight);
      inputs.push_back(layer.bias);
    }
    return DenseStack::apply(at::TensorList(inputs));
  }
  at::Tensor values = input;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    values = at::linear(values, layers[i].weight, layers[i].bias);
    if (i + 1 < layers.size()) values = at::dropout(values.relu_(), dropout, /*train=*/true);
  }
  return values;
}

}  // namespace onecycle
