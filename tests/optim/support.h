#pragma once

#include "onecycle/optimizers.h"

#include "support/choices.h"
#include "support/formula.h"

#include <memory>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <torch/nn/module.h>

namespace onecycle {

inline at::Tensor formula_tensor(const std::string& name, at::IntArrayRef shape, double scale) {
  const auto numbers = formula(name, c10::multiply_integers(shape), scale);
  return at::tensor(numbers, at::kDouble).reshape(shape);
}

// Weights without a network.
struct Weights : torch::nn::Module {
  at::Tensor& add(const std::string& name, const at::Tensor& value) {
    return register_parameter(name, value.clone());
  }
};

struct TrialSetup {
  UpdateRule rule;
  at::ScalarType compute = at::kDouble;
  at::MemoryFormat format = at::MemoryFormat::Contiguous;
  bool decay_all = false;
  std::string optimizer = "sgd";
  Value options = Value::map();  // of the optimizer
  std::vector<ParameterGroup> groups = {};
  at::Device device = at::kCPU;
};

inline TrialSetup setup_of(const UpdateRule& rule, at::ScalarType compute = at::kDouble) {
  TrialSetup setup;
  setup.rule = rule;
  setup.compute = compute;
  return setup;
}

inline std::shared_ptr<Weights> one_weight(const at::Tensor& value) {
  auto weights = std::make_shared<Weights>();
  weights->add("w", value);
  return weights;
}

// Hyper-parameters that move, for step t modulo their number.
inline const std::vector<Hyper> kHypers = {
    {0.1, 0.9, 0.1}, {0.4, 0.8, 0.2}, {0.2, 0.85, 0.05}, {0.05, 0.95, 0.1}};

// A module, its weights as the optimizer sees them, and the optimizer, by `setup`.
struct Trial {
  Trial(std::shared_ptr<torch::nn::Module> made, const TrialSetup& setup)
      : module(std::move(made)),
        parameters(module, setup.device, setup.compute, setup.format),
        optimizer((parameters.reset_factors(setup.decay_all), parameters.apply(setup.groups),
                   made_by(setup))) {}

  Parameter& parameter(const std::string& name) {
    for (Parameter& parameter : parameters.all())
      if (parameter.name == name) return parameter;
    throw std::runtime_error("no weight " + name);
  }
  // A gradient as autograd would leave it: of the working weight's type, device and layout.
  void set_gradient(const std::string& name, const at::Tensor& value) {
    at::Tensor& working = parameter(name).working;
    at::Tensor gradient = at::empty_like(working.detach());
    gradient.copy_(value);
    working.mutable_grad() = gradient;
  }
  void step(const Hyper& hyper) {
    optimizer->write(hyper);
    optimizer->step();
  }
  at::Tensor master(const std::string& name) {
    return parameter(name).master.to(at::kCPU, at::kDouble).contiguous();
  }

  std::unique_ptr<Optimizer> made_by(const TrialSetup& setup) {
    const OptimizerRegistry registry = builtin_optimizers();
    return registry.make(chosen(registry, setup.optimizer, setup.options))
        .make(parameters, setup.rule);
  }

  std::shared_ptr<torch::nn::Module> module;
  Parameters parameters;
  std::unique_ptr<Optimizer> optimizer;
};

inline double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kCPU, at::kDouble) - b.to(at::kCPU, at::kDouble)).abs().max().item<double>();
}

// Where the same cases run: the CPU and, where there is one, a CUDA device.
inline std::string why_no_cuda_device() {
  return at::hasCUDA() ? "" : "no CUDA device is usable here, or LibTorch is a CPU build";
}

}  // namespace onecycle
