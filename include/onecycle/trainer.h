#pragma once

#include "onecycle/checkpoint.h"
#include "onecycle/data.h"
#include "onecycle/events.h"
#include "onecycle/freezing.h"
#include "onecycle/group.h"
#include "onecycle/model.h"
#include "onecycle/optimizer.h"
#include "onecycle/recipe.h"
#include "onecycle/schedule.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace onecycle {

// Where and in which number format a run computes.
struct Compute {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
  at::MemoryFormat memory_format = at::MemoryFormat::Contiguous;
  std::string summary;  // one phrase: what was chosen and why
};

// The steps of a run over `num_train` samples.
struct StepPlan {
  std::int64_t total_batch = 0;  // samples a step, of all ranks together
  std::int64_t micro_batch = 0;  // samples of one forward pass of one rank, at most
  std::int64_t ranks = 1;
  std::int64_t steps_per_epoch = 0;  // whole batches: an epoch leaves out the remainder
  std::int64_t total_steps = 0;

  // Forward passes of a step, on each rank.
  std::int64_t micro_batches() const {
    return (total_batch + micro_batch * ranks - 1) / (micro_batch * ranks);
  }
};

// Everything that a recipe describes, made.
struct Run {
  Recipe recipe;
  std::shared_ptr<Group> group = alone();
  DataSet data;
  ModelContext context;
  std::shared_ptr<Model> model;
  Compute compute;
  std::unique_ptr<Parameters> parameters;
  std::optional<WeightsReport> weights;  // what `weights` of the recipe gave
  // Without these a run can be evaluated, not trained.
  StepPlan steps;
  UpdateRule rule;
  Freezing freezing;
  std::unique_ptr<Optimizer> optimizer;
  std::unique_ptr<Schedule> schedule;
};

// What runs are made from: the parts that recipes may name, and who trains them together.
struct Registries {
  FormatRegistry formats = builtin_formats();
  ModelRegistry models = builtin_models();
  OptimizerRegistry optimizers = builtin_optimizers();
  ScheduleRegistry schedules = builtin_schedules();
  std::vector<std::string> dataset_folders;  // of descriptors, searched in this order
  LoadWatch loading;
  std::shared_ptr<Group> group = alone();

  RecipeVariants variants() const;
};

// Throws RecipeError, with every problem counted, for a document that is not a recipe.
Recipe read_recipe(const Value& document, const Registries& registries);

// Throws DataError where the total batch exceeds the samples, or leaves a rank without any.
StepPlan plan_steps(const Recipe& recipe, std::int64_t num_train, std::int64_t ranks);

// The course of a run, which needs no data beyond its size.
struct Course {
  StepPlan steps;
  std::unique_ptr<Schedule> schedule;
  OptimizerPlan optimizer;  // its rule knows the schedule's peak
};

// Throws RecipeError where schedule and optimizer contradict each other or the decay turns weights
// around, DataError where the batch exceeds the samples.
Course plan_course(const Recipe& recipe, std::int64_t num_train, const Registries& registries);

// The samples that the recipe would train on, without reading them; nothing where that is not known
// beforehand. Throws RecipeError where the data set is not known.
std::optional<std::int64_t> planned_samples(const Recipe& recipe, const Registries& registries);

// Reads the data, makes the model on its device with the recipe's weights, the optimizer and the
// schedule. Throws RecipeError, DataError or CheckpointError.
Run build(const Recipe& recipe, const Registries& registries);

// The same over data that was read before; tensors are shared, not copied.
Run build_on(const DataSet& data, const Recipe& recipe, const Registries& registries);

// The same without optimizer and schedule, which the recipe then need not describe, and without
// loading weights.
Run build_for_evaluation(const Recipe& recipe, const Registries& registries);

// The one loop; see events.h.
class Trainer {
 public:
  explicit Trainer(Run& run) : run_(run) {}

  // Observers are told in the order added. They must outlive fit().
  void observe(Observer& observer) { observers_.push_back(&observer); }
  StopSignal& stop() { return stop_; }
  // Without a store there are no checkpoints and no fallback. It must outlive fit().
  void keep_checkpoints_in(CheckpointStore& store) { store_ = &store; }
  // Goes on from there. `source` names it in messages. Throws CheckpointError where it does not fit
  // the run.
  void resume(const Snapshot& snapshot, const std::string& source);

  // Throws Error for what no value of StopReason covers.
  RunEnd fit();

 private:
  Run& run_;
  std::vector<Observer*> observers_;
  StopSignal stop_;
  CheckpointStore* store_ = nullptr;
  std::optional<Snapshot> start_;
  std::string start_source_;
};

// Steps taken when the snapshot was made. Throws CheckpointError where it is not a run's.
std::int64_t steps_of(const Snapshot& snapshot);

// What the run had reached by then. Throws as steps_of.
RunEnd end_in(const Snapshot& snapshot);

// Loss and accuracy of the model as it is, over every sample of the set once, whatever the number
// of ranks, which share the work. In full precision where `full_precision`, else in the run's.
Score evaluate(Run& run, const ImageSet& set, bool full_precision);

}  // namespace onecycle
