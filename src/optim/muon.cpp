#include "onecycle/error.h"

#include "kernels/update/sgd.h"
#include "optim/entry.h"
#include "optim/fused.h"
#include "optim/matrix_stacks.h"
#include "optim/names.h"

#include <array>
#include <optional>
#include <set>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

OptionTable<Muon> muon_options() {
  OptionTable<Muon> table(
      "muon",
      "K. Jordan's Muon: filters and hidden matrices go along their momentum made orthogonal; the "
      "last layer, norms and biases by SGD with momentum");
  add_common(table, "momentum");
  table.add("nesterov", &Muon::nesterov, "take the gradient step from where momentum leads");
  table
      .add("iterations", &Muon::iterations,
           "Newton-Schulz iterations of a step; in bf16 if the model computes in it")
      .range(between(1, 20));
  table.add("normalise", &Muon::normalise,
            "before each step, scale a matrix of n rows to the norm sqrt(n), as airbench does");
  table.add("except", &Muon::except,
            "SGD takes the weights whose full name matches this glob, too");
  table.add("sgd_lr_scale", &Muon::sgd_lr_scale, "factor on the learning rate of what SGD takes")
      .range(at_least(0));
  table.add("sgd_momentum", &Muon::sgd_momentum, "momentum of what SGD takes; null: the same")
      .range(from_below(0, 1));
  return table;
}

class MuonOptimizer : public FusedOptimizer {
 public:
  MuonOptimizer(Parameters& parameters, const UpdateRule& rule, const Muon& options)
      : FusedOptimizer(parameters, {"velocity"}),
        rule_(rule),
        options_(options),
        sgd_hyper_(hyper_.words().device()) {
    if (parameters.compute() == at::kHalf)
      throw FieldError("train.precision",
                       "muon's matrices have no loss scale; use bf16 or fp32, or sgd");
    std::set<std::size_t> last;
    const auto groups = parameters.layer_groups();
    if (!groups.empty())
      last.insert(groups.back().parameters.begin(), groups.back().parameters.end());
    std::vector<std::size_t> matrices;
    for (std::size_t i = 0; i < parameters.all().size(); ++i) {
      Parameter& parameter = parameters.all()[i];
      if (parameter.master.dim() > 1 && !last.contains(i) &&
          !(options.except && fits(*options.except, parameter.name))) {
        matrices.push_back(i);
      } else {
        parameter.lr_scale *= options.sgd_lr_scale;
      }
    }
    if (matrices.empty())
      throw FieldError("optimizer.name",
                       "muon finds no matrix before the last layer to work on; use sgd");
    const at::ScalarType type = parameters.all()[matrices[0]].master.scalar_type();
    matrices_.emplace(parameters, matrices,
                      parameters.compute() == at::kBFloat16 ? at::kBFloat16 : type);
  }

  void step() override {
    {
      const at::NoGradGuard no_grad;
      matrices_->arrange();
      step_matrices();
      sgd_hyper_.words().copy_(hyper_.words());
      if (options_.sgd_momentum)
        sgd_hyper_.member(&StepNumbers::momentum).fill_(*options_.sgd_momentum);
    }
    FusedOptimizer::step();
  }

 private:
  // Hyper-parameters stay on the device, as tensors.
  void step_matrices() {
    for (MatrixList& list : matrices_->lists()) take_momentum(list);
    for (MatrixStack* stack : matrices_->stacks())
      stack->direction = stack->newton_schulz.orthogonalise(stack->values, options_.iterations);
    for (MatrixList& list : matrices_->lists()) at::_foreach_copy_(list.values, list.masters);
    for (MatrixStack* stack : matrices_->stacks()) move(*stack);
    for (MatrixList& list : matrices_->lists()) {
      at::_foreach_copy_(list.masters, list.values);
      if (!list.narrow.empty()) at::_foreach_copy_(list.narrow, list.copied);
      for (const std::size_t index : list.weights)
        parameters().all()[index].working.mutable_grad().reset();
    }
  }

  // Leaves in `values` where momentum leads.
  void take_momentum(MatrixList& list) {
    std::vector<at::Tensor> gradients, velocities;
    for (const std::size_t index : list.weights) {
      gradients.push_back(parameters().all()[index].working.grad());
      velocities.push_back(state_of(0, index));
    }
    const at::Tensor momentum =
        hyper_.member(&StepNumbers::momentum).to(list.masters[0].scalar_type());
    at::_foreach_copy_(list.values, gradients);
    if (rule_.decay == DecayMode::l2 && matrices_->decays()) {
      auto decays = at::_foreach_mul(
          list.masters, hyper_.member(&StepNumbers::weight_decay).to(momentum.scalar_type()));
      at::_foreach_mul_(decays, decay_scales(list));
      at::_foreach_add_(list.values, decays);
    }
    at::_foreach_mul_(velocities, momentum);
    at::_foreach_add_(velocities, list.values);
    if (rule_.nesterov) {
      at::_foreach_add_(list.values, at::_foreach_mul(velocities, momentum));
    } else {
      at::_foreach_copy_(list.values, velocities);
    }
  }

  std::vector<at::Scalar> decay_scales(const MatrixList& list) {
    std::vector<at::Scalar> scales;
    for (const std::size_t index : list.weights)
      scales.emplace_back(parameters().all()[index].decay_scale);
    return scales;
  }

  // `values` holds the masters, and then the updated ones.
  void move(MatrixStack& stack) {
    constexpr std::array<std::int64_t, 2> kMatrix = {1, 2};
    at::Tensor& values = stack.values;
    const at::ScalarType type = values.scalar_type();
    const at::Tensor rate = hyper_.member(&StepNumbers::lr);
    const at::Tensor rates = rate * stack.lr_scales;
    const at::Tensor decays = hyper_.member(&StepNumbers::weight_decay) * stack.decay_scales;
    if (options_.normalise)
      values.mul_(stack.root_rows / at::linalg_vector_norm(values, 2, kMatrix, /*keepdim=*/true));
    if (rule_.decay == DecayMode::decoupled) values.mul_((1 - rates * decays).to(type));
    if (rule_.decay == DecayMode::independent)
      values.mul_((1 - rate / rule_.lr_max * decays).to(type));
    values.sub_(stack.direction * rates.to(type));
  }

  void update_on_cpu(const kernels::UpdateTensor& tensor, std::int64_t begin,
                     std::int64_t end) const override {
    kernels::sgd_cpu(tensor, begin, end, rule_, sgd_hyper_.data());
  }
  void update_on_cuda(const std::vector<kernels::UpdateTensor>& tensors,
                      void* stream) const override {
    kernels::sgd_cuda(tensors.data(), static_cast<int>(tensors.size()), rule_, sgd_hyper_.data(),
                      stream);
  }

  UpdateRule rule_;
  Muon options_;
  std::optional<MatrixStacks> matrices_;
  OnDevice<StepNumbers> sgd_hyper_;  // with the momentum of SGD
};

}  // namespace

OptimizerPlan plan_of(const Muon& options) {
  OptimizerPlan plan = plan_for<MuonOptimizer>(options);
  plan.rule.nesterov = options.nesterov;
  plan.rule.adaptive = true;
  return plan;
}

void add_muon(OptimizerRegistry& registry) { add_optimizer(registry, muon_options()); }

}  // namespace onecycle
