#include "kernels/sgd.h"

#include "onecycle/error.h"

#include "core/format.h"
#include "kernels/current_stream.h"
#include "optim/builtin.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace onecycle {

template <>
struct EnumNames<MomentumForm> {
  static std::vector<std::pair<const char*, MomentumForm>> values() {
    return {
        {"torch", MomentumForm::torch}, {"ema", MomentumForm::ema}, {"caffe", MomentumForm::caffe}};
  }
};
template <>
struct OptionType<MomentumForm> : EnumOption<MomentumForm> {};

template <>
struct EnumNames<DecayMode> {
  static std::vector<std::pair<const char*, DecayMode>> values() {
    return {{"decoupled", DecayMode::decoupled},
            {"independent", DecayMode::independent},
            {"l2", DecayMode::l2}};
  }
};
template <>
struct OptionType<DecayMode> : EnumOption<DecayMode> {};

namespace {

struct SgdOptions {
  std::optional<double> lr;
  std::optional<double> momentum;
  std::optional<double> weight_decay;
  bool nesterov = false;
  MomentumForm momentum_form = MomentumForm::torch;
  DecayMode weight_decay_mode = DecayMode::decoupled;
  bool decay_all = false;
};

OptionTable<SgdOptions> sgd_options() {
  OptionTable<SgdOptions> table("sgd", "Stochastic gradient descent with momentum");
  table.add("lr", &SgdOptions::lr, "constant learning rate; the schedule sets it otherwise")
      .range(above(0));
  table.add("momentum", &SgdOptions::momentum, "constant momentum; the schedule sets it otherwise")
      .range(from_below(0, 1));
  table
      .add("weight_decay", &SgdOptions::weight_decay,
           "constant weight decay, in the units of weight_decay_mode")
      .range(at_least(0));
  table.add("nesterov", &SgdOptions::nesterov, "take the gradient step from where momentum leads");
  table.add("momentum_form", &SgdOptions::momentum_form,
            "torch: v = m v + g; ema: v = m v + (1 - m) g; caffe: v = m v + lr g, w = w - v");
  table.add("weight_decay_mode", &SgdOptions::weight_decay_mode,
            "decoupled: w (1 - lr wd); independent: w (1 - lr/lr_max wd); l2: g + wd w "
            "(published values are l2 values)");
  table.add("decay_all", &SgdOptions::decay_all, "let norm scales, shifts and biases decay too");
  return table;
}

// Whether the same elements stand at the same places: a dimension of length 1 may have any stride.
bool same_layout(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return false;
  for (std::int64_t i = 0; i < a.dim(); ++i)
    if (a.size(i) != 1 && a.stride(i) != b.stride(i)) return false;
  return true;
}

constexpr std::int64_t kElementsPerTask = 1 << 14;

class Sgd : public Optimizer {
 public:
  Sgd(Parameters& parameters, const UpdateRule& rule, at::Device device)
      : Optimizer(device), parameters_(parameters), rule_(rule), device_(device) {
    const at::NoGradGuard no_grad;
    for (const Parameter& parameter : parameters_.all())
      velocities_.push_back(at::zeros_like(parameter.master));
  }

  void step() override {
    tensors_.clear();
    for (std::size_t i = 0; i < velocities_.size(); ++i) add_tensor(i);
    if (device_.is_cuda()) {
      kernels::sgd_cuda(tensors_.data(), static_cast<int>(tensors_.size()), rule_, hyper_.data(),
                        kernels::current_stream(device_));
    } else {
      step_on_cpu();
    }
    for (Parameter& parameter : parameters_.all()) parameter.working.mutable_grad().reset();
  }

 private:
  void add_tensor(std::size_t index) {
    Parameter& parameter = parameters_.all()[index];
    const at::Tensor& gradient = parameter.working.grad();
    if (!gradient.defined()) return;
    // The kernel walks storage order: the same elements must stand at the same places.
    if (!same_layout(gradient, parameter.master))
      throw Error(format("the gradient of {} is laid out unlike its weight", parameter.name));
    kernels::SgdTensor tensor;
    tensor.weight = parameter.master.mutable_data_ptr();
    tensor.velocity = velocities_[index].mutable_data_ptr();
    tensor.gradient = gradient.const_data_ptr();
    if (parameter.working.scalar_type() == at::kBFloat16)
      tensor.copy = parameter.working.mutable_data_ptr();
    tensor.size = parameter.master.numel();
    tensor.lr_scale = static_cast<float>(parameter.lr_scale);
    tensor.decay_scale = static_cast<float>(parameter.decay_scale);
    tensor.type = scalar_type(parameter.master);
    tensor.gradient_type = scalar_type(gradient);
    tensors_.push_back(tensor);
  }

  static kernels::ScalarType scalar_type(const at::Tensor& tensor) {
    switch (tensor.scalar_type()) {
      case at::kFloat:
        return kernels::ScalarType::f32;
      case at::kDouble:
        return kernels::ScalarType::f64;
      case at::kBFloat16:
        return kernels::ScalarType::bf16;
      default:
        throw Error("weights must be float32, float64 or bfloat16");
    }
  }

  void step_on_cpu() {
    tasks_.clear();
    for (std::size_t i = 0; i < tensors_.size(); ++i)
      for (std::int64_t begin = 0; begin < tensors_[i].size; begin += kElementsPerTask)
        tasks_.push_back({i, begin});
    at::parallel_for(0, static_cast<std::int64_t>(tasks_.size()), 1,
                     [&](std::int64_t first, std::int64_t last) {
                       for (std::int64_t t = first; t < last; ++t) run(tasks_[t]);
                     });
  }

  struct Task {
    std::size_t tensor;
    std::int64_t begin;
  };

  void run(const Task& task) const {
    const kernels::SgdTensor& tensor = tensors_[task.tensor];
    kernels::sgd_cpu(tensor, task.begin, std::min(task.begin + kElementsPerTask, tensor.size),
                     rule_, hyper_.data());
  }

  Parameters& parameters_;
  UpdateRule rule_;
  at::Device device_;
  std::vector<at::Tensor> velocities_;
  std::vector<kernels::SgdTensor> tensors_;  // of this step; kept for its capacity
  std::vector<Task> tasks_;
};

}  // namespace

void add_sgd(OptimizerRegistry& registry) {
  const auto table = sgd_options();
  registry.add({table.variant(), [table](const Value& values) {
                  Problems problems;
                  const SgdOptions options = table.read(values, "optimizer", problems);
                  problems.throw_if_any();
                  OptimizerPlan plan;
                  plan.constants = {options.lr, options.momentum, options.weight_decay};
                  plan.rule.form = options.momentum_form;
                  plan.rule.nesterov = options.nesterov;
                  plan.rule.decay = options.weight_decay_mode;
                  plan.decay_all = options.decay_all;
                  plan.make = [](Parameters& parameters, const UpdateRule& rule) {
                    const at::Device device = parameters.all().empty()
                                                  ? at::Device(at::kCPU)
                                                  : parameters.all().front().master.device();
                    return std::make_unique<Sgd>(parameters, rule, device);
                  };
                  return plan;
                }});
}

}  // namespace onecycle
