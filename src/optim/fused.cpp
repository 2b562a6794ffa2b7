#include "optim/fused.h"

#include "onecycle/current_stream.h"
#include "onecycle/error.h"

#include "core/text/format.h"
#include "kernels/update/loss_scale.h"
#include "optim/tensor_pieces.h"

#include <ATen/ATen.h>

namespace onecycle {

namespace {

at::Device device_of(const Parameters& parameters) {
  return parameters.all().empty() ? at::Device(at::kCPU) : parameters.all()[0].master.device();
}

}  // namespace

FusedOptimizer::FusedOptimizer(Parameters& parameters, std::vector<std::string> slots)
    : Optimizer(device_of(parameters)),
      parameters_(parameters),
      device_(device_of(parameters)),
      slots_(std::move(slots)),
      states_(slots_.size()) {
  if (parameters_.compute() == at::kHalf) loss_scale_.emplace(device_);
  const at::NoGradGuard no_grad;
  for (auto& states : states_)
    for (const Parameter& parameter : parameters_.all())
      states.push_back(at::zeros_like(parameter.master));
}

void FusedOptimizer::step() {
  tensors_.clear();
  for (std::size_t i = 0; i < parameters_.all().size(); ++i) add_tensor(i);
  if (device_.is_cuda()) {
    void* stream = current_stream(device_);
    const int count = static_cast<int>(tensors_.size());
    if (loss_scale_) kernels::find_bad_cuda(tensors_.data(), count, loss_scale_->data(), stream);
    update_on_cuda(tensors_, stream);
    if (loss_scale_) kernels::advance_cuda(loss_scale_->data(), stream);
  } else {
    step_on_cpu();
  }
  for (Parameter& parameter : parameters_.all()) parameter.working.mutable_grad().reset();
}

std::vector<NamedTensor> FusedOptimizer::state() const {
  std::vector<NamedTensor> result;
  for (std::size_t slot = 0; slot < slots_.size(); ++slot)
    for (std::size_t i = 0; i < states_[slot].size(); ++i)
      result.push_back({slots_[slot] + "." + parameters_.all()[i].name, states_[slot][i]});
  return result;
}

void FusedOptimizer::add_tensor(std::size_t index) {
  Parameter& parameter = parameters_.all()[index];
  const at::Tensor& gradient = parameter.working.grad();
  if (!gradient.defined()) return;
  // The kernel walks storage order: the same elements must stand at the same places.
  if (!same_layout(gradient, parameter.master))
    throw Error(format("the gradient of {} is laid out unlike its weight", parameter.name));
  kernels::UpdateTensor tensor;
  tensor.weight = parameter.master.mutable_data_ptr();
  for (std::size_t slot = 0; slot < slots_.size(); ++slot)
    tensor.state[slot] = states_[slot][index].mutable_data_ptr();
  tensor.gradient = gradient.const_data_ptr();
  if (c10::isReducedFloatingType(parameter.working.scalar_type())) {
    tensor.copy = parameter.working.mutable_data_ptr();
    tensor.copy_type = kernel_type(parameter.working);
  }
  tensor.size = parameter.master.numel();
  tensor.lr_scale = parameter.lr_scale;
  tensor.decay_scale = parameter.decay_scale;
  tensor.updates_before = parameter.updates_before;
  tensor.type = kernel_type(parameter.master);
  tensor.gradient_type = kernel_type(gradient);
  tensors_.push_back(tensor);
}

void FusedOptimizer::step_on_cpu() {
  if (loss_scale_)
    for_pieces(tensors_,
               [&](const kernels::UpdateTensor& tensor, std::int64_t begin, std::int64_t end) {
                 kernels::find_bad_cpu(tensor, begin, end, loss_scale_->data());
               });
  for_pieces(tensors_, [&](const kernels::UpdateTensor& tensor, std::int64_t begin,
                           std::int64_t end) { update_on_cpu(tensor, begin, end); });
  if (loss_scale_) kernels::advance(*loss_scale_->data());
}

}  // namespace onecycle
