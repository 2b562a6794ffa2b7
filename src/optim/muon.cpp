#include "optim/muon.h"

#include "onecycle/error.h"

#include "kernels/update/sgd.h"
#include "optim/entry.h"
#include "optim/fused.h"
#include "optim/names.h"

#include <cmath>
#include <set>

#include <ATen/ATen.h>

namespace onecycle {

at::Tensor orthogonalised(const at::Tensor& matrix, std::int64_t iterations, at::ScalarType type) {
  constexpr double kLinear = 3.4445, kCubic = -4.7750, kQuintic = 2.0315;
  constexpr double kTiny = 1e-7;
  const bool tall = matrix.size(0) > matrix.size(1);
  at::Tensor x = (matrix / (at::linalg_vector_norm(matrix) + kTiny)).to(type);
  if (tall) x = x.t();
  for (std::int64_t i = 0; i < iterations; ++i) {
    const at::Tensor a = x.mm(x.t());
    const at::Tensor b = at::addmm(a, a, a, /*beta=*/kCubic, /*alpha=*/kQuintic);
    x = at::addmm(x, b, x, /*beta=*/kLinear, /*alpha=*/1);
  }
  return tall ? x.t() : x;
}

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

// A weight [out, ...] as a matrix [out, numbers], without a copy where it lies densely.
at::Tensor as_matrix(const at::Tensor& weight) {
  const bool channels_last =
      weight.dim() == 4 && weight.is_contiguous(at::MemoryFormat::ChannelsLast);
  return (channels_last ? weight.permute({0, 2, 3, 1}) : weight).reshape({weight.size(0), -1});
}

at::Tensor as_weight(const at::Tensor& matrix, const at::Tensor& like) {
  if (like.dim() != 4 || !like.is_contiguous(at::MemoryFormat::ChannelsLast))
    return matrix.reshape(like.sizes());
  return matrix.reshape({like.size(0), like.size(2), like.size(3), like.size(1)})
      .permute({0, 3, 1, 2});
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
    for (std::size_t i = 0; i < parameters.all().size(); ++i) {
      Parameter& parameter = parameters.all()[i];
      if (parameter.master.dim() > 1 && !last.contains(i) &&
          !(options.except && fits(*options.except, parameter.name))) {
        matrices_.push_back(i);
      } else {
        parameter.lr_scale *= options.sgd_lr_scale;
      }
    }
    if (matrices_.empty())
      throw FieldError("optimizer.name",
                       "muon finds no matrix before the last layer to work on; use sgd");
  }

  void step() override {
    {
      const at::NoGradGuard no_grad;
      for (const std::size_t index : matrices_) step_matrix(index);
      sgd_hyper_.words().copy_(hyper_.words());
      if (options_.sgd_momentum)
        sgd_hyper_.member(&StepNumbers::momentum).fill_(*options_.sgd_momentum);
    }
    FusedOptimizer::step();
  }

 private:
  // Hyper-parameters stay on the device, as tensors without dimensions.
  void step_matrix(std::size_t index) {
    Parameter& parameter = parameters().all()[index];
    if (!parameter.working.grad().defined()) return;
    at::Tensor& master = parameter.master;
    at::Tensor& velocity = state_of(0, index);
    const at::Tensor lr = hyper_.member(&StepNumbers::lr) * parameter.lr_scale;
    const at::Tensor momentum = hyper_.member(&StepNumbers::momentum);
    const at::Tensor decay = hyper_.member(&StepNumbers::weight_decay) * parameter.decay_scale;
    at::Tensor gradient = parameter.working.grad().to(master.scalar_type());
    if (rule_.decay == DecayMode::l2) gradient = gradient + master * decay;
    velocity.mul_(momentum).add_(gradient);
    const at::Tensor along = rule_.nesterov ? gradient + velocity * momentum : velocity;
    const at::ScalarType type =
        parameters().compute() == at::kBFloat16 ? at::kBFloat16 : master.scalar_type();
    const at::Tensor direction =
        as_weight(orthogonalised(as_matrix(along), options_.iterations, type), master);
    if (options_.normalise)
      master.mul_(std::sqrt(static_cast<double>(master.size(0))) / at::linalg_vector_norm(master));
    if (rule_.decay == DecayMode::decoupled) master.mul_(1 - lr * decay);
    if (rule_.decay == DecayMode::independent)
      master.mul_(1 - hyper_.member(&StepNumbers::lr) / rule_.lr_max * decay);
    master.sub_(direction.to(master.scalar_type()) * lr);
    if (parameter.working.scalar_type() != master.scalar_type()) parameter.working.copy_(master);
    parameter.working.mutable_grad().reset();
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
  std::vector<std::size_t> matrices_;  // indices into Parameters::all()
  OnDevice<StepNumbers> sgd_hyper_;    // with the momentum of SGD
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
