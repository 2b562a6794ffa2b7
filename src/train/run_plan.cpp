#include "train/run_plan.h"

#include "onecycle/error.h"

#include "core/text/duration_limits.h"
#include "core/text/format.h"
#include "core/text/number.h"
#include "nn/layers/batch_norm.h"
#include "schedule/survey.h"
#include "train/step/hardest_rows.h"
#include "train/total_batch.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace onecycle {

namespace {

// Decay that turns weights around instead of shrinking them; `most`: the largest factor that a
// parameter group puts on it.
void check_decay(const RunPlan& plan, double most) {
  const UpdateRule& rule = plan.optimizer.rule;
  if (rule.decay == DecayMode::l2) return;
  const bool independent = rule.decay == DecayMode::independent;
  survey(*plan.schedule, plan.steps.total_steps,
         [&](std::int64_t step, const Hyper& hyper, std::int64_t) {
           const double shrink =
               hyper.weight_decay * (independent ? hyper.lr / rule.lr_max : hyper.lr) * most;
           if (shrink < 1) return;
           throw FieldError(
               "optimizer.weight_decay",
               format("at step {} the learning rate {:.4g} makes the decay "
                      "{:.4g} shrink weights by {:.4g} a step, and 1 or more turns them around; "
                      "lower it, or set weight_decay_mode to l2 if it is a published value",
                      step, hyper.lr, hyper.weight_decay, shrink));
         });
}

double largest_decay_factor(const Parameters& parameters, const UpdateRule& rule) {
  double most = 0;
  for (const Parameter& parameter : parameters.all())
    most = std::max(most, parameter.decay_scale *
                              (rule.decay == DecayMode::decoupled ? parameter.lr_scale : 1));
  return most;
}

// The multiple of `unit` next to and below `samples`, and the one above.
std::string multiples_around(std::int64_t samples, std::int64_t unit) {
  const std::int64_t below = samples / unit * unit;
  return below == 0 ? format("{}", unit) : format("{} or {}", below, below + unit);
}

void share_total(StepPlan& plan, const StepSamples& samples, std::int64_t num_train) {
  if (samples.accumulate != 1)
    throw FieldError("train.accumulate",
                     "does not go with data.total_batch_size, which says how many samples a step "
                     "has: leave one of them out");
  const BatchSize& limit = samples.batch_size;
  plan.total_given = true;
  plan.total_batch = *samples.total;
  plan.micro_batch =
      require_shares(plan.total_batch,
                     limit.all || limit.automatic ? limit.of(num_train) : limit.count, plan.ranks,
                     num_train, samples.unit)
          .per_rank;
}

void multiply_batch(StepPlan& plan, const StepSamples& samples, std::int64_t num_train) {
  const std::int64_t ranks = plan.ranks;
  const std::int64_t accumulate = samples.accumulate;
  const bool all = samples.batch_size.all;
  const std::int64_t batch = samples.batch_size.of(num_train);
  // Divided, since a product of a caller's numbers may not fit.
  const std::int64_t most = num_train / ranks / (all ? 1 : batch);
  if (accumulate > most)
    throw FieldError(
        "train.accumulate",
        format("{}{} times {} samples are more than the {} of the training part; lower it or "
               "data.batch_size",
               accumulate, ranks == 1 ? "" : format(" times {} ranks", ranks), batch, num_train));
  const std::int64_t parts = accumulate * ranks;
  plan.total_batch = all ? num_train : batch * parts;
  plan.micro_batch = all ? (num_train + parts - 1) / parts : batch;
}

}  // namespace

StepPlan plan_steps(const StepSamples& samples, const Duration& length, std::int64_t num_train,
                    std::int64_t ranks) {
  StepPlan plan;
  plan.ranks = ranks;
  if (samples.total)
    share_total(plan, samples, num_train);
  else
    multiply_batch(plan, samples, num_train);
  plan.steps_per_epoch = num_train / plan.total_batch;
  plan.total_steps = length.steps(plan.steps_per_epoch);
  if (plan.total_steps >= kTooManySteps)
    throw FieldError("train.duration", format("{} of {} steps an epoch are 2^53 (9e15) steps or "
                                              "more, which a run cannot count; shorten it",
                                              length.text(), plan.steps_per_epoch));
  return plan;
}

StepPlan with_share(StepPlan plan, double share) {
  const std::int64_t parts = plan.micro_batches() * plan.ranks;
  if (plan.total_batch % parts != 0)
    throw FieldError("train.proxy.share",
                     format("is of every forward pass, and {} samples are no {} equal ones; choose "
                            "another data.batch_size",
                            plan.total_batch, parts));
  const std::int64_t pass = plan.total_batch / parts;
  const std::int64_t kept =
      std::max<std::int64_t>(1, std::llround(share * static_cast<double>(pass)));
  plan.read_batch = plan.total_batch;
  plan.total_batch = kept * parts;
  plan.micro_batch = kept;
  return plan;
}

Run proxy_of(const Run& run, Run proxy) {
  proxy.steps = run.steps;
  proxy.hardest = std::make_shared<HardestRows>(run.steps, proxy.compute.device);
  proxy.validation = proxy.test = nullptr;
  FitOptions& options = proxy.options;
  options.evaluate_every = options.test_every = options.checkpoint_every = run.steps.total_steps;
  options.ema_decay.reset();
  options.lookahead.every.reset();
  options.retries = 0;
  return proxy;
}

void refuse_proxy(const Run& run, const char* what) {
  if (run.proxy == nullptr) return;
  throw FieldError("train.proxy.model",
                   format("{} takes whole batches; set it to none for that", what));
}

RunPlan make_plan(const StepPlan& steps, OptimizerPlan optimizer, const MakeSchedule& schedule) {
  RunPlan plan{steps, nullptr, std::move(optimizer)};
  const OptimizerConstants& constants = plan.optimizer.constants;
  plan.schedule =
      schedule({steps.steps_per_epoch, constants.lr, constants.momentum, constants.weight_decay});
  plan.optimizer.rule.lr_max = peak_lr(*plan.schedule, steps.total_steps);
  check_decay(plan, 1);
  return plan;
}

void follow(Run& run, RunPlan plan) {
  const std::pair<const char*, GraphChoice> graphs[] = {
      {"train.graph", run.options.graph}, {"train.evaluation_graph", run.options.evaluation_graph}};
  for (const auto& [field, choice] : graphs)
    if (choice == GraphChoice::on && !run.compute.device.is_cuda())
      throw FieldError(field,
                       "on needs a CUDA device, and this run is on the CPU; leave it at auto");
  if (run.options.evaluation_graph == GraphChoice::on && run.options.graph == GraphChoice::off)
    throw FieldError("train.evaluation_graph",
                     "on shares the memory of the step's graph, and train.graph is off; leave one "
                     "of them at auto");
  run.parameters->reset_factors(plan.optimizer.decay_all);
  run.parameters->slice_rates(plan.optimizer.lr_slice);
  run.parameters->apply(plan.optimizer.groups);
  check_decay(plan, largest_decay_factor(*run.parameters, plan.optimizer.rule));
  run.rule = plan.optimizer.rule;
  run.schedule = std::move(plan.schedule);
  run.optimizer = plan.optimizer.make(*run.parameters, run.rule);
}

std::int64_t samples_computed(const Run& run) {
  return run.hardest ? run.steps.read_batch : run.steps.total_batch;
}

void check_whole_groups(const Run& run) {
  const std::int64_t unit = pass_unit(*run.model);
  if (unit == 1) return;
  const std::int64_t parts = run.steps.micro_batches() * run.steps.ranks;
  const std::int64_t total = samples_computed(run);
  const std::int64_t samples = total / parts;
  const bool uneven = total % parts != 0;
  if (!uneven && samples % unit == 0) return;
  throw FieldError(
      "model.bn_batch",
      format("forward passes of {}{} samples are not whole groups of {}; take passes of {} "
             "samples (data.batch_size), or groups whose size divides that of the passes",
             samples, uneven ? format(" and {}", samples + 1) : "", unit,
             multiples_around(samples, unit)));
}

}  // namespace onecycle
