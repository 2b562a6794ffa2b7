#pragma once

#include "onecycle/augmentations.h"
#include "onecycle/data.h"
#include "onecycle/datasets.h"
#include "onecycle/models.h"
#include "onecycle/optimizers.h"
#include "onecycle/predictor.h"
#include "onecycle/recipe.h"
#include "onecycle/schedules.h"
#include "onecycle/tasks.h"
#include "onecycle/trainer.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace onecycle {

// The parts that recipes may name.
struct Registries {
  FormatRegistry formats = builtin_formats();
  AugmentationRegistry augmentations = builtin_augmentations();
  TaskRegistry tasks = builtin_tasks();
  ModelRegistry models = builtin_models();
  OptimizerRegistry optimizers = builtin_optimizers();
  ScheduleRegistry schedules = builtin_schedules();

  // What recipes may name, with the options of each.
  RecipeVariants variants() const;
};

// What runs are made in: their parts, where data sets and weights are described, who trains
// together, and what watches the reading of data.
struct Environment {
  Registries registries;
  std::vector<std::string> dataset_folders;  // of descriptors, searched in this order
  std::vector<std::string> weights_folders;  // the same, of weights
  std::shared_ptr<Group> group = alone();
  LoadWatch loading;
  // What becomes of `train.threads`, which is the process's affair: nothing, or
  // at::set_num_threads.
  std::function<void(int count)> use_threads;
  // What becomes of `train.tf32`, `train.autotune` and `train.deterministic`, likewise: nothing, or
  // use_device_settings.
  std::function<void(const DeviceSettings& settings)> use_device;
};

// A run with the recipe that describes it.
struct RecipeRun : Run {
  Recipe recipe;
  DataSet data;                          // where the run reads it: DataOptions::place
  std::optional<WeightsReport> weights;  // what `weights` of the recipe gave
};

// Throws RecipeError, with every problem counted, for a document that is not a recipe.
Recipe read_recipe(const Value& document, const Registries& registries);
// Of a file and those that it `extends`, under overrides like "schedule.lr_max=0.5". Throws
// RecipeError, with file and line.
Recipe read_recipe_file(const std::string& path, const Registries& registries = {},
                        const std::vector<std::string>& overrides = {});

// The samples of which every forward pass in training is a multiple: the model's `bn_batch`, 1
// where it has none.
std::int64_t pass_unit(const Recipe& recipe);

// Throws RecipeError where the total batch exceeds the samples, or leaves a rank without any.
StepPlan plan_steps(const Recipe& recipe, std::int64_t num_train, std::int64_t ranks);

// Throws RecipeError where schedule and optimizer contradict each other, the decay turns weights
// around or the batch exceeds the samples.
RunPlan plan_run(const Recipe& recipe, std::int64_t num_train, const Environment& environment);

// What the task's targets are, where the registry says so; others take what the files have.
std::optional<TargetKind> wanted_targets(const Recipe& recipe,
                                         const TaskRegistry& tasks = builtin_tasks());

// The samples that the recipe would train on, without reading them; nothing where that is not known
// beforehand. Throws RecipeError where the data set is not known.
std::optional<std::int64_t> planned_samples(const Recipe& recipe, const Environment& environment);

// Reads the data, makes the model on its device with the recipe's weights, the optimizer and the
// schedule. Throws RecipeError, DataError or CheckpointError.
RecipeRun build(const Recipe& recipe, const Environment& environment);

// The same over data that was read before; tensors are shared, not copied.
RecipeRun build_on(const DataSet& data, const Recipe& recipe, const Environment& environment);

// The task and the model alone, where that was made and without loading weights: to ask what they
// are.
RecipeRun build_parts(const DataSet& data, const Recipe& recipe, const Environment& environment);

// The same without optimizer and schedule, which the recipe then need not describe, and without
// loading weights.
RecipeRun build_for_evaluation(const Recipe& recipe, const Environment& environment);

// Pictures as the run's network takes them, not augmented; null where there are none.
std::shared_ptr<Source> source_of(const ImageSet& pictures, const RecipeRun& run);

// The file that `weights` of the recipe names; nothing where it names none. Throws RecipeError for
// a name that nothing describes, or whose file is not there.
std::optional<std::string> initial_weights_path(const Recipe& recipe,
                                                const Environment& environment);

// The recipe without the file or name in `weights`, which then states how the data of such weights
// are normalised: for what has every weight already. Throws RecipeError for a name that nothing
// describes.
Recipe without_initial_weights(const Recipe& recipe, const Environment& environment);

// What the recipe's model is made for.
ModelContext context_of(const DataSet& data, const Recipe& recipe);

// What the recipe's training batches undergo.
Augment augment_of(const Recipe& recipe, const Registries& registries);

// What the run's network is made for, to use it without its data.
NetworkTask task_of(const RecipeRun& run, const Environment& environment);

// As build_for_evaluation, with empty data and for this process alone.
RecipeRun build_for_task(const NetworkTask& task, const Recipe& recipe,
                         const Environment& environment);

}  // namespace onecycle
