#pragma once

#include "onecycle/on_device.h"
#include "onecycle/schedule.h"
#include "onecycle/update_rule.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

namespace onecycle {

namespace kernels {
struct LossScale;
}

// A weight as the optimizer sees it.
struct Parameter {
  std::string name;
  at::Tensor working;  // the module's parameter, in the dtype it computes with
  at::Tensor master;   // fp32 or fp64; the same storage as `working` unless that is narrow
  double lr_scale = 1;
  double decay_scale = 1;  // 0: exempt from decay
  // Updates of the run before this weight's own first: bias corrections count from there.
  std::int64_t updates_before = 0;
};

// Factors for the parameters whose full name ("conv1.weight") fits `match`, a glob of fnmatch(3):
// `*` (dots too), `?` and `[a-z]`, over the whole name. The group's own learning rate is lr *
// lr_scale and its weight decay weight_decay * decay_scale, as lr and weight_decay of PyTorch's
// param_groups. So lr_scale scales what `decoupled` takes off a weight, lr wd w, as well;
// `independent` takes off lr / lr_max wd w, where it cancels; in `l2` it scales the step that the
// decay is part of.
struct ParameterGroup {
  std::string match = {};
  double lr_scale = 1;                     // at least 0
  std::optional<double> decay_scale = {};  // at least 0; empty: 1, or 0 where exempt by default
};

// A part of a network as its depth counts them: a child of the model with weights, in the order of
// registration, together with the norms that follow it ("conv1+bn1", "layer1", ..., "linear").
struct LayerGroup {
  std::string name;
  std::vector<std::string> children;
  std::vector<std::size_t> parameters;  // indices into Parameters::all()
};

// The weights of a module: those that train, and those that were made not to (`requires_grad` off),
// which no optimizer and no freezing rule sees. With `compute` bf16 or fp16 the module's
// convolutions and dense layers hold such copies of fp32 masters; norms, their statistics and
// everything else stay in fp32.
class Parameters {
 public:
  // Moves the module to `device` and converts it; `memory_format` applies to 4-D weights.
  Parameters(std::shared_ptr<torch::nn::Module> module, at::Device device, at::ScalarType compute,
             at::MemoryFormat memory_format);

  // Every factor 1, but for the decay of norm scales and shifts and biases (one dimension), which
  // are exempt unless `decay_all`: as they are at first, without it.
  void reset_factors(bool decay_all);

  // Once, before the optimizer is made. lr_scale of every group that matches a parameter
  // multiplies; decay_scale is that of the last such group that gives one, and stands in place of
  // the default exemption. Throws FieldError where a group matches nothing, and then changes
  // nothing.
  void apply(const std::vector<ParameterGroup>& groups);

  // In the order of registration.
  std::vector<LayerGroup> layer_groups() const;
  // Multiplies lr_scale by `lowest` in the first layer group, by 1 in the last, and by a geometric
  // sequence between: fastai's slice(lowest * lr, lr).
  void slice_rates(double lowest);

  // Those that train, in the order of registration.
  std::vector<Parameter>& all() { return all_; }
  const std::vector<Parameter>& all() const { return all_; }
  const std::vector<Parameter>& fixed() const { return fixed_; }  // those that do not
  torch::nn::Module& module() const { return *module_; }          // whose weights they are
  at::ScalarType compute() const { return compute_; }             // what it computes with

  // While one lives, the module computes with the masters: for evaluation in full precision.
  class MasterScope {
   public:
    // Puts the masters in the place of narrow weights; its end puts those back.
    explicit MasterScope(Parameters& parameters);
    ~MasterScope();
    MasterScope(const MasterScope&) = delete;
    MasterScope& operator=(const MasterScope&) = delete;

   private:
    Parameters& parameters_;
    std::vector<at::Tensor> working_;  // of all(), then of fixed()
  };

  // Copies the masters into the narrow weights, after they were loaded.
  void refresh_working();

 private:
  std::shared_ptr<torch::nn::Module> module_;
  at::ScalarType compute_;
  std::vector<Parameter> all_;
  std::vector<Parameter> fixed_;
};

// A tensor and what checkpoints call it.
struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

// Updates weights: SGD, AdamW, Muon, or one of your own.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  // One update from the gradients of the working weights, which it drops. A weight without a
  // gradient stays as it is, and all of them where the loss is scaled and a gradient not finite.
  // Does not wait for the device.
  virtual void step() = 0;

  // What the next step() uses; counts it as an update. Does not wait for the device.
  void write(const Hyper& hyper) {
    hyper_.write({hyper.lr, hyper.momentum, hyper.weight_decay, static_cast<double>(++updates_)});
  }

  // For weights in fp16, else null: multiply the loss by its scale before backward().
  OnDevice<kernels::LossScale>* loss_scale() { return loss_scale_ ? &*loss_scale_ : nullptr; }

  // Updates so far: all of them, also for a weight that had no gradient in some.
  std::int64_t updates() const { return updates_; }
  // As they were in a checkpoint.
  void set_updates(std::int64_t updates) { updates_ = updates; }

  // The live state, in an order that stays the same: what it is and the parameter's name, like
  // "velocity.conv1.weight". Each tensor has its master's shape, dtype, layout and device. With
  // updates(), what a checkpoint copies out and back in.
  virtual std::vector<NamedTensor> state() const = 0;

 protected:
  // `device`: where the weights are.
  explicit Optimizer(at::Device device) : hyper_(device) {}
  // What step() reads.
  OnDevice<StepNumbers> hyper_;
  // Set where weights are fp16.
  std::optional<OnDevice<kernels::LossScale>> loss_scale_;

 private:
  std::int64_t updates_ = 0;
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
  double lr_slice = 1;                 // for Parameters::slice_rates, before `make`
  std::vector<ParameterGroup> groups;  // for Parameters::apply, before `make`
  std::function<std::unique_ptr<Optimizer>(Parameters&, const UpdateRule&)> make;
};

}  // namespace onecycle
