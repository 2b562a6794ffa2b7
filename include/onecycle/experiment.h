#pragma once

#include "onecycle/optimizers.h"
#include "onecycle/schedules.h"
#include "onecycle/trainer.h"

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

// A module, data and a loss of one's own, trained by the one loop: docs/library.md.
namespace onecycle {

// From a batch of inputs to outputs.
using Forward = std::function<at::Tensor(const at::Tensor& inputs)>;

// A module with its function from a batch of inputs to outputs. Its weights are the module's own,
// under the module's own names.
std::shared_ptr<Model> model_of(std::shared_ptr<torch::nn::Module> module, Forward forward);

// What points to a module that goes from tensor to tensor: std::shared_ptr, or a holder such as
// torch::nn::Sequential.
template <class M>
concept ModulePointer = requires(M module, const at::Tensor& inputs) {
  { module->forward(inputs) } -> std::convertible_to<at::Tensor>;
};

// The same with the module's own forward.
template <ModulePointer M>
std::shared_ptr<Model> model_of(M module) {
  if constexpr (std::is_convertible_v<M, std::shared_ptr<Model>>) {
    return module;
  } else {
    std::shared_ptr<torch::nn::Module> shared;
    if constexpr (requires { module.ptr(); })
      shared = module.ptr();
    else
      shared = module;
    return model_of(std::move(shared),
                    [module](const at::Tensor& inputs) mutable { return module->forward(inputs); });
  }
}

// Any schedule as a function of what it is made for.
template <class S>
MakeSchedule making(const S& schedule) {
  if constexpr (std::is_convertible_v<S, MakeSchedule>)
    return schedule;
  else
    return [schedule](const ScheduleContext& context) { return make_schedule(schedule, context); };
}

// The numbers of a training; recipes have them under `data` and `train` (docs/recipe.md).
struct ExperimentOptions {
  std::int64_t batch_size = 32;  // samples of one forward pass, on each rank
  std::int64_t accumulate = 1;   // forward passes a step
  // Samples a step, of all ranks together, in place of `accumulate`: the fewest equal forward
  // passes of at most `batch_size` samples make it up.
  std::optional<std::int64_t> total_batch_size = {};
  std::int64_t epochs = 1;
  std::optional<std::int64_t> steps = {};  // in place of epochs
  std::uint64_t seed = 1;                  // of dropout and its like; sources have their own
  DeviceChoice device = DeviceChoice::automatic;
  Precision precision = Precision::fp32;
  std::int64_t log_every = 25;                        // steps
  std::optional<std::int64_t> evaluate_every = {};    // steps; empty: once an epoch
  std::optional<std::int64_t> checkpoint_every = {};  // steps; empty: once an epoch
  std::optional<double> grad_clip = {};               // largest norm of all gradients together
  std::optional<double> ema_decay = {};  // of the weights; the module gets their average at the end
  std::vector<FreezeRule> freeze = {};
  bool best_by_loss = false;  // the best checkpoint: by the loss, not the task's first metric
  GraphChoice graph = GraphChoice::automatic;
  std::shared_ptr<Group> group = alone();
};

// Makes runs of a model over data. It shares everything that it is given. The module is moved to
// the device, where it stays, and each training goes on from the weights that it finds.
//
// The errors are FieldErrors, by the fields' names in recipes ("train.accumulate"), for what cannot
// be, and DataErrors. Not for use by several threads at once, but for stop().
class Experiment {
 public:
  // `held_out` may be null: then nothing is evaluated.
  Experiment(std::shared_ptr<Model> model, std::shared_ptr<const Task> task,
             std::shared_ptr<Source> train, std::shared_ptr<Source> held_out,
             const ExperimentOptions& options = {});
  // The same of model_of(module).
  template <ModulePointer M>
  Experiment(M module, std::shared_ptr<const Task> task, std::shared_ptr<Source> train,
             std::shared_ptr<Source> held_out, const ExperimentOptions& options = {})
      : Experiment(model_of(std::move(module)), std::move(task), std::move(train),
                   std::move(held_out), options) {}

  // Told in the order added, by the thread that called fit().
  void observe(std::shared_ptr<Observer> observer) { observers_.push_back(std::move(observer)); }
  // Where fit() saves, every `checkpoint_every` steps; without one nothing is kept.
  void keep_checkpoints_in(std::shared_ptr<CheckpointStore> store) { store_ = std::move(store); }
  // Ends fit(), range_test() and fit_batch() from any thread.
  StopSignal& stop() { return stop_; }

  // Trains. `optimizer`: Sgd, AdamW, Muon, or whatever plan_of() takes; `schedule`: OneCycle,
  // Cyclical, ..., whatever make_schedule() takes, or a MakeSchedule. A later call goes on with the
  // weights, and begins optimizer and schedule anew.
  template <class O, class S>
  RunEnd fit(const O& optimizer, const S& schedule) {
    return fit(plan_of(optimizer), making(schedule));
  }
  RunEnd fit(const OptimizerPlan& optimizer, const MakeSchedule& schedule);
  // Goes on from a checkpoint of such a training.
  void resume(Snapshot snapshot) { start_ = std::move(snapshot); }

  // Loss and metrics of the module as it is, over every sample once.
  Score evaluate(Source& samples) const { return onecycle::evaluate(parts_, samples, true); }

  // The run that fit() trains, for a Trainer or a sweep. Runs share the weights and their factors:
  // the latest one is the one to train.
  template <class O, class S>
  Run run(const O& optimizer, const S& schedule) {
    return run(plan_of(optimizer), making(schedule));
  }
  Run run(const OptimizerPlan& optimizer, const MakeSchedule& schedule);

 private:
  Run parts_;  // without schedule and optimizer
  std::vector<std::shared_ptr<Observer>> observers_;
  std::shared_ptr<CheckpointStore> store_;
  std::optional<Snapshot> start_;
  StopSignal stop_;
};

}  // namespace onecycle
