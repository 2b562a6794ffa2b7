#include "onecycle/optimizer.h"

#include "optim/names.h"

#include <ATen/ATen.h>

namespace onecycle {

// Norms compute in fp32 whatever their input is.
Parameters::Parameters(std::shared_ptr<torch::nn::Module> module, at::Device device,
                       at::ScalarType compute, at::MemoryFormat memory_format)
    : module_(std::move(module)), compute_(compute) {
  const at::NoGradGuard no_grad;
  module_->to(device, compute == at::kDouble ? at::kDouble : at::kFloat);
  for (auto& part : module_->named_modules("", true)) {
    const bool narrow = c10::isReducedFloatingType(compute) && !is_norm(*part.value());
    for (auto& item : part.value()->named_parameters(false)) {
      at::Tensor& working = item.value();
      at::Tensor master = working.detach();
      if (master.dim() == 4) master = master.contiguous(memory_format);
      working.set_data(narrow ? master.to(compute) : master);
      Parameter parameter;
      parameter.name = part.key().empty() ? item.key() : part.key() + "." + item.key();
      parameter.working = working;
      parameter.master = master;
      (working.requires_grad() ? all_ : fixed_).push_back(std::move(parameter));
    }
  }
  reset_factors(/*decay_all=*/false);
}

void Parameters::reset_factors(bool decay_all) {
  for (Parameter& parameter : all_) {
    parameter.lr_scale = 1;
    parameter.decay_scale = decay_all || parameter.working.dim() > 1 ? 1 : 0;
  }
}

Parameters::MasterScope::MasterScope(Parameters& parameters) : parameters_(parameters) {
  const at::NoGradGuard no_grad;
  for (auto* list : {&parameters_.all_, &parameters_.fixed_})
    for (Parameter& parameter : *list) {
      working_.push_back(parameter.working.variable_data());
      parameter.working.set_data(parameter.master);
    }
}

Parameters::MasterScope::~MasterScope() {
  auto working = working_.begin();
  for (auto* list : {&parameters_.all_, &parameters_.fixed_})
    for (Parameter& parameter : *list) parameter.working.set_data(*working++);
}

void Parameters::refresh_working() {
  const at::NoGradGuard no_grad;
  for (auto* list : {&all_, &fixed_})
    for (Parameter& parameter : *list)
      if (parameter.working.scalar_type() != parameter.master.scalar_type())
        parameter.working.copy_(parameter.master);
}

}  // namespace onecycle
