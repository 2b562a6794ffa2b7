#include "recipe/torch_optimizer.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "recipe/recipe_text.h"
#include "train/state/run_state.h"
#include "train/state/snapshot.h"

#include <algorithm>

namespace onecycle {

namespace {

std::string metadata_of(const WeightsContent& checkpoint, const char* key) {
  const auto found = checkpoint.metadata.find(key);
  if (found == checkpoint.metadata.end())
    throw CheckpointError(format("holds no {} of a run; leave out --optimizer", key));
  return found->second;
}

// States by parameter, both in the order in which they were saved.
void collect(const WeightsContent& checkpoint,
             const std::vector<std::pair<const char*, const char*>>& slots,
             std::vector<std::vector<StoredTensor>>& states) {
  for (const auto& [own, theirs] : slots) {
    const std::string prefix = format("optimizer.{}.", own);
    std::size_t index = 0;
    for (const StoredTensor& tensor : checkpoint.tensors) {
      if (!tensor.name.starts_with(prefix)) continue;
      if (states.size() <= index) states.emplace_back();
      states[index++].push_back(tensor);
      states[index - 1].back().name = theirs;
    }
  }
}

// What torch's momentum_buffer would do with weight decay in another mode, or with exempt weights.
std::string note_of(const RunPlan& plan) {
  const UpdateRule& rule = plan.optimizer.rule;
  if (rule.decay != DecayMode::l2 && !rule.adaptive)
    return "torch.optim.SGD has only l2 decay: weight_decay is 0 there";
  if (rule.decay == DecayMode::independent)
    return "torch.optim.AdamW's decay follows the learning rate: weight_decay is that of this step";
  if (!plan.optimizer.decay_all)
    return "one group for all parameters: give norms and biases, exempt here, a group without "
           "weight_decay";
  return "";
}

double weight_decay(const UpdateRule& rule, const Hyper& hyper) {
  if (rule.decay == DecayMode::independent)
    return rule.adaptive && rule.lr_max > 0 ? hyper.weight_decay / rule.lr_max : 0;
  return rule.adaptive || rule.decay == DecayMode::l2 ? hyper.weight_decay : 0;
}

void fill_sgd(ExportedOptimizer& result, const UpdateRule& rule, const Hyper& hyper) {
  if (rule.form == MomentumForm::caffe)
    throw CheckpointError(
        "momentum_form caffe has no counterpart in torch.optim.SGD; leave out --optimizer");
  result.name = "SGD";
  // v <- m v + (1 - dampening) g
  const double dampening = rule.form == MomentumForm::ema ? hyper.momentum : 0;
  result.state.group = {{"lr", hyper.lr},
                        {"momentum", hyper.momentum},
                        {"dampening", dampening},
                        {"weight_decay", weight_decay(rule, hyper)},
                        {"nesterov", rule.nesterov},
                        {"maximize", false},
                        {"foreach", std::monostate()},
                        {"differentiable", false},
                        {"fused", std::monostate()}};
}

void fill_adamw(ExportedOptimizer& result, const UpdateRule& rule, const Hyper& hyper,
                const AdamW& options) {
  const bool decoupled = rule.decay != DecayMode::l2;
  result.name = decoupled ? "AdamW" : "Adam";
  result.state.group = {{"lr", hyper.lr},
                        {"betas", std::pair{hyper.momentum, options.beta2}},
                        {"eps", options.eps},
                        {"weight_decay", weight_decay(rule, hyper)},
                        {"amsgrad", false},
                        {"maximize", false},
                        {"foreach", std::monostate()},
                        {"capturable", false},
                        {"differentiable", false},
                        {"fused", std::monostate()},
                        {"decoupled_weight_decay", decoupled}};
  result.counters.assign(1, static_cast<float>(result.steps));
  for (auto& states : result.state.states)
    states.insert(states.begin(), {"step", "F32", {}, result.counters.data(), sizeof(float)});
}

}  // namespace

std::unique_ptr<ExportedOptimizer> torch_optimizer(const WeightsContent& checkpoint,
                                                   const Environment& environment) {
  if (metadata_of(checkpoint, kOrder) != kModuleOrder)
    throw CheckpointError("the order of its parameters is not the module's; leave out --optimizer");
  const Recipe recipe = read_resolved(metadata_of(checkpoint, "recipe"), "the checkpoint's recipe",
                                      environment.registries);
  const auto* sgd = recipe.optimizer.as<Sgd>();
  const auto* adamw = recipe.optimizer.as<AdamW>();
  if (sgd == nullptr && adamw == nullptr)
    throw CheckpointError(
        format("{} keeps a state that no optimizer of torch has; leave out --optimizer",
               recipe.optimizer.name));
  const auto samples = planned_samples(recipe, environment);
  if (!samples)
    throw CheckpointError(
        "its data set does not say how many samples it has, so that the learning rate of the last "
        "step is not known; leave out --optimizer");
  const RunPlan plan = plan_run(recipe, *samples, environment);
  const UpdateRule& rule = plan.optimizer.rule;
  auto result = std::make_unique<ExportedOptimizer>();
  result->steps = run_state_from_json(metadata_of(checkpoint, "state"), "the checkpoint").steps;
  const Hyper hyper =
      plan.schedule->at(std::max<std::int64_t>(0, result->steps - 1), plan.steps.total_steps);
  collect(checkpoint,
          adamw != nullptr
              ? std::vector<std::pair<const char*, const char*>>{{"exp_avg", "exp_avg"},
                                                                 {"exp_avg_sq", "exp_avg_sq"}}
              : std::vector<std::pair<const char*, const char*>>{{"velocity", "momentum_buffer"}},
          result->state.states);
  if (result->state.states.empty())
    throw CheckpointError("holds no optimizer's state; leave out --optimizer");
  if (adamw != nullptr) {
    fill_adamw(*result, rule, hyper, *adamw);
  } else {
    fill_sgd(*result, rule, hyper);
  }
  result->note = note_of(plan);
  return result;
}

}  // namespace onecycle
