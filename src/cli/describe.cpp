#include "cli/train_run.h"
#include "core/format.h"
#include "train/decay.h"

namespace onecycle {

namespace {

std::string batch_text(const Run& run) {
  const StepPlan& steps = run.steps;
  if (steps.micro_batches() == 1) return grouped(steps.total_batch);
  return format("{} = {} micro-batches of {}", grouped(steps.total_batch), steps.micro_batches(),
                grouped(steps.micro_batch));
}

}  // namespace

void describe(const Run& run, const Console& console) {
  const DataSet& data = run.data;
  console.say(format("data       {}: {} train, {} validation, {} test; {}x{}x{}, {} classes",
                     data.name, grouped(data.train.size()), grouped(data.validation.size()),
                     grouped(data.test.size()), data.channels(), data.height(), data.width(),
                     data.classes.size()));
  const ModelSummary summary = summarise(*run.model, run.context);
  console.say(format(
      "model      {}: {} parameters, {:.4g} M multiply-adds and {:.4g} kB of "
      "activations a sample",
      run.recipe.model.name, grouped(summary.parameters), static_cast<double>(summary.macs) / 1e6,
      static_cast<double>(summary.activation_bytes) / 1e3));
  if (run.weights) console.say("weights    " + run.weights->text());
  console.say(format("training   total batch {}, {} steps an epoch, {} steps ({})", batch_text(run),
                     grouped(run.steps.steps_per_epoch), grouped(run.steps.total_steps),
                     run.recipe.train.duration.text()));
  console.say(format("schedule   {} to a learning rate of {:.4g}; {}", run.recipe.schedule.name,
                     run.rule.lr_max, run.recipe.optimizer.name));
  console.say("decay      " + decay_text(*run.schedule, run.rule, run.steps.total_steps));
  console.say(format("computing  {}", run.compute.summary));
}

}  // namespace onecycle
