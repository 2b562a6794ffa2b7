#pragma once

#include "onecycle/registry.h"
#include "onecycle/schedule.h"
#include "onecycle/update_rule.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

namespace onecycle {

// A weight as the optimizer sees it.
struct Parameter {
  std::string name;
  at::Tensor working;  // the module's parameter, in the dtype it computes with
  at::Tensor master;   // fp32 or fp64; the same storage as `working` unless that is bf16
  double lr_scale = 1;
  double decay_scale = 1;  // 0: exempt from decay
};

// The trainable weights of a module. With `compute` bf16 the module's convolutions and dense layers
// hold bf16 copies of fp32 masters; norms, their statistics and everything else stay in fp32.
class Parameters {
 public:
  // Moves the module to `device` and converts it; `memory_format` applies to 4-D weights.
  // Norm scales and shifts and biases (one dimension) are exempt from decay unless `decay_all`.
  Parameters(std::shared_ptr<torch::nn::Module> module, at::Device device, at::ScalarType compute,
             at::MemoryFormat memory_format, bool decay_all = false);

  std::vector<Parameter>& all() { return all_; }
  const std::vector<Parameter>& all() const { return all_; }
  torch::nn::Module& module() const { return *module_; }
  at::ScalarType compute() const { return compute_; }

  // While one lives, the module computes with the masters: for evaluation in full precision.
  class MasterScope {
   public:
    explicit MasterScope(Parameters& parameters);
    ~MasterScope();
    MasterScope(const MasterScope&) = delete;
    MasterScope& operator=(const MasterScope&) = delete;

   private:
    Parameters& parameters_;
    std::vector<at::Tensor> working_;
  };

  // Copies the masters into the bf16 weights, after they were loaded.
  void refresh_working();

 private:
  std::shared_ptr<torch::nn::Module> module_;
  at::ScalarType compute_;
  std::vector<Parameter> all_;
};

// LR, momentum and weight decay on the device: the update reads them there, so that writing three
// numbers is all that a schedule asks of a step.
class HyperBuffer {
 public:
  explicit HyperBuffer(at::Device device);
  void write(const Hyper& hyper);  // does not wait for the device
  const double* data() const;

 private:
  at::Tensor values_;  // [3], float64
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  // One update from the gradients of the working weights, which it drops. A weight without a
  // gradient stays as it is. Does not wait for the device.
  virtual void step() = 0;

  HyperBuffer& hyper() { return hyper_; }

 protected:
  explicit Optimizer(at::Device device) : hyper_(device) {}
  HyperBuffer hyper_;
};

// The constants that a recipe's `optimizer` names, for the schedule to use.
struct OptimizerConstants {
  std::optional<double> lr;
  std::optional<double> momentum;
  std::optional<double> weight_decay;
};

// Everything about an optimizer but the weights it will work on.
struct OptimizerPlan {
  OptimizerConstants constants;
  UpdateRule rule;
  bool decay_all = false;
  std::function<std::unique_ptr<Optimizer>(Parameters&, const UpdateRule&)> make;
};

using OptimizerRegistry = Registry<OptimizerPlan(const Value& options)>;

OptimizerRegistry builtin_optimizers();

}  // namespace onecycle
