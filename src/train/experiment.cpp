#include "onecycle/experiment.h"

#include "onecycle/error.h"

#include "network/weights.h"
#include "nn/layers/batch_norm.h"
#include "train/run_plan.h"
#include "train/state/shared_checkpoints.h"

#include <utility>

namespace onecycle {

namespace {

// Holds the parts of another module as its own, so that their names are the same.
class FunctionOf : public Model {
 public:
  FunctionOf(std::shared_ptr<torch::nn::Module> module, Forward forward)
      : module_(std::move(module)), forward_(std::move(forward)) {
    torch::nn::Module::train(module_->is_training());
    for (const auto& item : module_->named_parameters(/*recurse=*/false))
      register_parameter(item.key(), item.value(), item.value().requires_grad());
    for (const auto& item : module_->named_buffers(/*recurse=*/false))
      register_buffer(item.key(), item.value());
    for (const auto& item : module_->named_children()) register_module(item.key(), item.value());
  }

  at::Tensor forward(const at::Tensor& inputs) override { return forward_(inputs); }
  void train(bool on = true) override {
    module_->train(on);
    torch::nn::Module::train(on);
  }

 private:
  std::shared_ptr<torch::nn::Module> module_;
  Forward forward_;
};

// Keeps the latest checkpoint, beside another store.
class Latest : public CheckpointStore {
 public:
  explicit Latest(CheckpointStore* other) : other_(other) {}

  std::string save(const Snapshot& snapshot, std::int64_t step, bool best) override {
    snapshot_ = snapshot;
    return other_ == nullptr ? "memory" : other_->save(snapshot, step, best);
  }
  std::optional<Snapshot> load_latest(std::vector<std::string>&) override { return snapshot_; }
  const std::optional<Snapshot>& snapshot() const { return snapshot_; }

 private:
  CheckpointStore* other_;
  std::optional<Snapshot> snapshot_;
};

void require_positive(std::int64_t count, const char* field) {
  if (count < 1) throw FieldError(field, "must be at least 1");
}

StepPlan steps_of(const ExperimentOptions& options, std::int64_t samples, std::int64_t unit) {
  require_positive(options.batch_size, "data.batch_size");
  require_positive(options.accumulate, "train.accumulate");
  require_positive(options.total_batch_size.value_or(1), "data.total_batch_size");
  require_positive(options.steps.value_or(options.epochs), "train.duration");
  require_positive(options.log_every, "train.log_every");
  require_positive(options.evaluate_every.value_or(1), "train.evaluate_every");
  require_positive(options.checkpoint_every.value_or(1), "output.checkpoint_every");
  const Duration length =
      options.steps ? Duration{static_cast<double>(*options.steps), Duration::Unit::steps}
                    : Duration{static_cast<double>(options.epochs), Duration::Unit::epochs};
  return plan_steps(
      {{.count = options.batch_size}, options.accumulate, options.total_batch_size, unit}, length,
      samples, options.group->size());
}

FitOptions fit_options(const ExperimentOptions& options, const StepPlan& steps) {
  FitOptions result;
  result.seed = options.seed;
  result.log_every = options.log_every;
  result.evaluate_every = options.evaluate_every.value_or(steps.steps_per_epoch);
  result.test_every = result.evaluate_every;
  result.checkpoint_every = options.checkpoint_every.value_or(steps.steps_per_epoch);
  result.grad_clip = options.grad_clip;
  result.ema_decay = options.ema_decay;
  result.graph = options.graph;
  result.best_by_loss = options.best_by_loss;
  return result;
}

}  // namespace

std::shared_ptr<Model> model_of(std::shared_ptr<torch::nn::Module> module, Forward forward) {
  if (module == nullptr || !forward) throw Error("the module or its forward function is missing");
  return std::make_shared<FunctionOf>(std::move(module), std::move(forward));
}

Experiment::Experiment(std::shared_ptr<Model> model, std::shared_ptr<const Task> task,
                       std::shared_ptr<Source> train, std::shared_ptr<Source> held_out,
                       const ExperimentOptions& options) {
  if (model == nullptr || task == nullptr || train == nullptr || options.group == nullptr)
    throw Error("an experiment needs a model, a task, samples to train on and a group");
  parts_.group = options.group;
  parts_.model = std::move(model);
  parts_.task = std::move(task);
  parts_.train = std::move(train);
  parts_.validation = std::move(held_out);
  parts_.steps = steps_of(options, parts_.train->size(), pass_unit(*parts_.model));
  parts_.options = fit_options(options, parts_.steps);
  parts_.compute = choose_compute({options.device, options.precision}, *parts_.model,
                                  options.group->local_rank());
  parts_.parameters = std::make_shared<Parameters>(
      parts_.model, parts_.compute.device, parts_.compute.dtype, parts_.compute.memory_format);
  parts_.freezing = {options.freeze, /*statistics=*/true, *parts_.parameters,
                     parts_.steps.total_steps};
}

Run Experiment::run(const OptimizerPlan& optimizer, const MakeSchedule& schedule) {
  Run run = parts_;
  follow(run, make_plan(run.steps, optimizer, schedule));
  return run;
}

RunEnd Experiment::fit(const OptimizerPlan& optimizer, const MakeSchedule& schedule) {
  Trainer trainer(run(optimizer, schedule), stop_);
  for (const auto& observer : observers_) trainer.observe(*observer);
  SharedCheckpoints shared(*parts_.group, store_.get());
  Latest latest(store_ ? &shared : nullptr);
  if (parts_.options.ema_decay)
    trainer.keep_checkpoints_in(latest);
  else if (store_)
    trainer.keep_checkpoints_in(shared);
  if (start_) trainer.resume(*std::exchange(start_, std::nullopt), "the checkpoint");
  const RunEnd end = trainer.fit();
  if (const auto& snapshot = latest.snapshot()) {
    copy_in(*snapshot, "average.", "the checkpoint", averaged_tensors(*parts_.parameters));
    parts_.parameters->refresh_working();
  }
  return end;
}

}  // namespace onecycle
