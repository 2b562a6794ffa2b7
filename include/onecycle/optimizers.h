#pragma once

#include "onecycle/optimizer.h"
#include "onecycle/registry.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace onecycle {

// Learning rate, momentum and weight decay are constants here; where empty, the schedule's.

// Stochastic gradient descent with momentum, as torch.optim.SGD.
struct Sgd {
  std::optional<double> lr = {};
  std::optional<double> momentum = {};
  bool nesterov = false;
  MomentumForm momentum_form = MomentumForm::torch;
  std::optional<double> weight_decay = {};
  DecayMode weight_decay_mode = DecayMode::decoupled;
  bool decay_all = false;
  double lr_slice = 1;                      // Parameters::slice_rates
  std::vector<ParameterGroup> groups = {};  // Parameters::apply
};

// Loshchilov & Hutter, arXiv 1711.05101, as torch.optim.AdamW; with DecayMode::l2 torch.optim.Adam.
// Momentum is beta1.
struct AdamW {
  std::optional<double> lr = {};
  std::optional<double> momentum = {};
  double beta2 = 0.999;
  double eps = 1e-8;
  std::optional<double> weight_decay = {};
  DecayMode weight_decay_mode = DecayMode::decoupled;
  bool decay_all = false;
  double lr_slice = 1;                      // Parameters::slice_rates
  std::vector<ParameterGroup> groups = {};  // Parameters::apply
};

// K. Jordan's Muon: matrices go along their momentum made orthogonal, the rest by SGD.
struct Muon {
  std::optional<double> lr = {};
  std::optional<double> momentum = {};
  bool nesterov = true;
  std::int64_t iterations = 5;  // of Newton and Schulz
  bool normalise = false;       // matrices of n rows to the norm sqrt(n) before each step
  std::optional<std::string> except = {};  // a glob: SGD takes what it fits
  double sgd_lr_scale = 1;
  std::optional<double> sgd_momentum = {};
  std::optional<double> weight_decay = {};
  DecayMode weight_decay_mode = DecayMode::decoupled;
  bool decay_all = false;
  double lr_slice = 1;                      // Parameters::slice_rates
  std::vector<ParameterGroup> groups = {};  // Parameters::apply
};

// What a run makes the optimizer by.
OptimizerPlan plan_of(const Sgd& options);
OptimizerPlan plan_of(const AdamW& options);
OptimizerPlan plan_of(const Muon& options);
inline const OptimizerPlan& plan_of(const OptimizerPlan& plan) { return plan; }

// The optimizers that recipes may name.
using OptimizerRegistry = Registry<OptimizerPlan()>;

// All optimizers of this header.
OptimizerRegistry builtin_optimizers();

}  // namespace onecycle
