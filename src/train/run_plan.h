#pragma once

#include "onecycle/datasets.h"
#include "onecycle/duration.h"
#include "onecycle/trainer.h"

#include <cstdint>
#include <optional>

// From the numbers and parts that a caller chose to a run that can be trained: of recipes and of
// Experiment alike.
namespace onecycle {

// What was asked of the samples of a step.
struct StepSamples {
  BatchSize batch_size;         // of a forward pass of one rank; with a `total`, at most
  std::int64_t accumulate = 1;  // forward passes of a step, on each rank; 1 with a `total`
  std::optional<std::int64_t> total = {};  // of all ranks together; empty: what those make
  std::int64_t unit = 1;  // with a `total`, of which forward passes are multiples (pass_unit)
};

// Throws FieldError where a step would take more than the `num_train` samples, its total cannot be
// shared, or there are too many steps.
StepPlan plan_steps(const StepSamples& samples, const Duration& length, std::int64_t num_train,
                    std::int64_t ranks);

// The steps of a run that takes of every forward pass the `share`, above 0 and at most 1, that a
// proxy chooses: rounded, at least one sample. Throws FieldError where passes are not equal.
StepPlan with_share(StepPlan plan, double share);

// What is the proxy of `run`, whose steps have a read_batch, of a run of whole batches like it with
// another network: without evaluations, averages and checkpoints.
Run proxy_of(const Run& run, Run proxy);

// Throws FieldError for a run that has a proxy. what: "a range test", which cannot have one.
void refuse_proxy(const Run& run, const char* what);

// Throws FieldError where schedule and optimizer contradict each other, or the decay turns weights
// around.
RunPlan make_plan(const StepPlan& steps, OptimizerPlan optimizer, const MakeSchedule& schedule);

// Gives a run that has its weights and options its schedule and an optimizer over its parameters,
// whose factors are set. Throws FieldError.
void follow(Run& run, RunPlan plan);

// Samples that a step of the run computes: of a proxy all that it reads, else the total batch.
std::int64_t samples_computed(const Run& run);

// Throws FieldError where a forward pass of the run is not whole groups of model.bn_batch: steps do
// not depend on how their samples are spread over ranks and passes where each pass is.
void check_whole_groups(const Run& run);

}  // namespace onecycle
