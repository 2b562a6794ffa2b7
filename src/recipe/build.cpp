#include "onecycle/build.h"

#include "onecycle/error.h"
#include "onecycle/loader.h"
#include "onecycle/options.h"
#include "onecycle/source.h"
#include "onecycle/table.h"

#include "core/text/format.h"
#include "network/views.h"
#include "network/weights.h"
#include "nn/layers/batch_norm.h"
#include "recipe/data_place.h"
#include "recipe/named_weights.h"
#include "recipe/recipe_error.h"
#include "recipe/recipe_text.h"
#include "train/run_plan.h"
#include "train/state/initial_weights.h"
#include "train/step/micro_batch.h"
#include "yaml/document.h"

#include <algorithm>
#include <utility>

#include <ATen/Context.h>

namespace onecycle {

namespace {

std::vector<Extension> extensions_of(const Recipe& recipe, const StepPlan& steps) {
  std::vector<Extension> result;
  for (const ExtensionOptions& options : recipe.train.extensions)
    result.push_back({options.from.steps(steps.steps_per_epoch), options.how});
  return result;
}

DatasetDescriptor descriptor_of(const Recipe& recipe, const Environment& environment) {
  return find_descriptor(recipe.data, environment.dataset_folders, environment.registries.formats);
}

DataSet read_data(const Recipe& recipe, const Environment& environment) {
  return in_terms_of(recipe, [&] {
    const auto descriptor = descriptor_of(recipe, environment);
    return load_data(normalised_as_weights(recipe, environment), descriptor,
                     environment.registries.formats, environment.loading,
                     wanted_targets(recipe, environment.registries.tasks));
  });
}

void check_targets(const RecipeRun& run, std::optional<TargetKind> wanted) {
  if (wanted && *wanted != run.data.target_kind)
    throw FieldError("task.name",
                     format("{} is for targets that are {}, and those of {} are {}; choose another "
                            "task or data set",
                            run.recipe.task.name, name_of(*wanted), run.data.name,
                            name_of(run.data.target_kind)));
}

FitOptions fit_options(const Recipe& recipe, const StepPlan& steps) {
  const TrainOptions& train = recipe.train;
  const auto in_steps = [&](const Duration& length) { return length.steps(steps.steps_per_epoch); };
  FitOptions options;
  options.seed = static_cast<std::uint64_t>(recipe.seed);
  options.log_every = train.log_every;
  options.evaluate_every = in_steps(train.evaluate_every);
  options.test_every = in_steps(train.test_every.value_or(train.evaluate_every));
  options.checkpoint_every = in_steps(recipe.output.checkpoint_every);
  options.grad_clip = train.grad_clip;
  options.ema_decay = train.ema_decay;
  options.lookahead = train.lookahead;
  options.tta = train.tta;
  options.tta_share = train.tta_share;
  options.graph = train.graph;
  options.evaluation_graph = train.evaluation_graph;
  options.gradient_format = train.gradient_format;
  options.best_by_loss = recipe.stop.monitor == Monitor::loss;
  options.retries = recipe.stop.on_divergence.retries;
  options.retry_lr_scale = recipe.stop.on_divergence.lr_scale;
  return options;
}

Freezing freezing_of(const TrainOptions& train, const Parameters& parameters,
                     const StepPlan& steps) {
  std::vector<FreezeRule> rules;
  for (const FreezeOptions& one : train.freeze) {
    rules.push_back({one.to, one.match, one.except, 0, {}});
    if (one.from) rules.back().from = one.from->steps(steps.steps_per_epoch);
    if (one.until) rules.back().until = one.until->steps(steps.steps_per_epoch);
  }
  return {rules, train.freeze_statistics, parameters, steps.total_steps};
}

std::shared_ptr<Source> loader_of(const ImageSet& pictures, const RecipeRun& run,
                                  const Augment& augment) {
  if (pictures.size() == 0) return nullptr;
  const auto seed = static_cast<std::uint64_t>(run.recipe.seed);
  if (pictures.images.dim() != 4)
    return tensor_source(pictures.images, pictures.labels, seed, run.model->input_dtype());
  LoaderOptions options;
  options.device = run.compute.device;
  options.mean = run.data.mean;
  options.std = run.data.std;
  options.resize = run.data.resize;
  options.crop = run.data.crop;
  options.augment = augment;
  options.seed = seed;
  return std::make_shared<Loader>(pictures, options);
}

enum class InitialWeights { of_a_training, loaded_later };

void make_task_and_model(RecipeRun& run, const Registries& registries) {
  const Recipe& recipe = run.recipe;
  run.context = context_of(run.data, recipe);
  check_targets(run, wanted_targets(recipe, registries.tasks));
  run.task = registries.tasks.make(recipe.task, {run.context.classes, recipe.train.label_smoothing,
                                                 run.data.classes, run.data.targets});
  run.context.classes = run.task->outputs(run.context.classes);
  check_targets(run, run.task->targets());
  run.model = registries.models.make(recipe.model, run.context);
}

void make_model(RecipeRun& run, const Environment& environment, InitialWeights initial) {
  const Registries& registries = environment.registries;
  const Recipe& recipe = run.recipe;
  make_task_and_model(run, registries);
  if (const char* why = why_no_views(run.context, recipe.train.tta))
    throw FieldError("train.tta", why);
  if (recipe.train.tta_share < 1 && run.data.target_kind != TargetKind::classes)
    throw FieldError("train.tta_share",
                     "only of classes is it known how sure a network is; leave it out");
  if (recipe.train.threads && environment.use_threads)
    environment.use_threads(static_cast<int>(*recipe.train.threads));
  if (environment.use_device) environment.use_device(recipe.train.device_settings());
  fuse_norms(*run.model, recipe.train.fused_norms);
  run.compute = choose_compute(recipe.train.compute(), *run.model, run.group->local_rank());
  run.options.tta = recipe.train.tta;
  run.options.tta_share = recipe.train.tta_share;
  place_data(run);
  run.train = loader_of(run.data.train, run, augment_of(recipe, registries));
  run.validation = source_of(run.data.validation, run);
  run.test = source_of(run.data.test, run);
  const bool given = recipe.weights.file || recipe.weights.name;
  if (initial == InitialWeights::of_a_training && !given) initialise_from_data(run);
  run.parameters = std::make_shared<Parameters>(run.model, run.compute.device, run.compute.dtype,
                                                run.compute.memory_format);
}

StepPlan step_plan(const Recipe& recipe, std::int64_t num_train, std::int64_t ranks) {
  const TrainOptions& train = recipe.train;
  const StepPlan plan = plan_steps(
      {recipe.data.batch_size, train.accumulate, recipe.data.total_batch_size, pass_unit(recipe)},
      train.duration, num_train, ranks);
  if (!train.has_proxy()) return plan;
  if (recipe.data.batch_size.all)
    throw FieldError("data.batch_size",
                     "all leaves train.proxy one batch to choose from; give it a number");
  return with_share(plan, train.proxy.share);
}

RunPlan run_plan_of(const Recipe& recipe, std::int64_t num_train, const Environment& environment) {
  const Registries& registries = environment.registries;
  const StepPlan steps = step_plan(recipe, num_train, environment.group->size());
  return make_plan(steps, registries.optimizers.make(recipe.optimizer),
                   [&](const ScheduleContext& context) {
                     return extended(registries.schedules.make(recipe.schedule, context),
                                     extensions_of(recipe, steps));
                   });
}

// An evaluation may be asked for views that its recipe does not name; a training is not.
void check_views(const TrainOptions& train) {
  if (train.tta_share < 1 && train.tta == TestTimeAugmentation::none)
    throw FieldError("train.tta_share",
                     "has no effect without views to average: set train.tta to flip or flip+shift, "
                     "or leave it out");
}

RecipeRun run_on(const DataSet& data, const Recipe& recipe, const Environment& environment);

// Of the proxy's network: where the run's recipe has it.
std::shared_ptr<const Run> make_proxy(const RecipeRun& run, const Environment& environment) {
  Recipe recipe = run.recipe;
  recipe.model = std::exchange(recipe.train.proxy, {}).model;
  recipe.weights = {};
  try {
    return std::make_shared<const Run>(proxy_of(run, run_on(run.data, recipe, environment)));
  } catch (const FieldError& error) {
    if (error.field().starts_with("model"))
      throw FieldError("train.proxy." + error.field(), error.why());
    throw FieldError(error.field(), "with the model of train.proxy: " + error.why());
  }
}

RecipeRun run_on(const DataSet& data, const Recipe& recipe, const Environment& environment) {
  RecipeRun run;
  run.recipe = recipe;
  run.group = environment.group;
  run.data = data;
  check_views(recipe.train);
  RunPlan plan = run_plan_of(recipe, run.data.train.size(), environment);
  make_model(run, environment, InitialWeights::of_a_training);
  if (const auto file = initial_weights_path(recipe, environment))
    run.weights = load_weights(*file, recipe.weights, *run.parameters);
  run.steps = plan.steps;
  run.options = fit_options(recipe, run.steps);
  if (recipe.train.sync_bn) synchronise_norms(*run.model, run.group);
  run.freezing = freezing_of(recipe.train, *run.parameters, run.steps);
  if (recipe.data.batch_size.all && recipe.train.accumulate == 1)
    run.steps.micro_batch = std::min(run.steps.micro_batch, fitting_micro_batch(run));
  check_whole_groups(run);
  follow(run, std::move(plan));
  if (recipe.train.has_proxy()) run.proxy = make_proxy(run, environment);
  return run;
}

}  // namespace

RecipeVariants Registries::variants() const {
  return {formats.variants(), augmentations.variants(), tasks.variants(),
          models.variants(),  optimizers.variants(),    schedules.variants()};
}

Recipe read_recipe(const Value& document, const Registries& registries) {
  Problems problems;
  Recipe recipe = recipe_in_tree(document, registries.variants(), problems);
  problems.throw_if_any();
  return recipe;
}

Recipe read_recipe_file(const std::string& path, const Registries& registries,
                        const std::vector<std::string>& overrides) {
  return read_recipe(load_document(path, overrides), registries);
}

std::int64_t pass_unit(const Recipe& recipe) {
  const Value options = options_of(recipe.model);
  const Value* group = options.find("bn_batch");
  return group == nullptr ? 1 : integer_in(*group).value_or(1);
}

StepPlan plan_steps(const Recipe& recipe, std::int64_t num_train, std::int64_t ranks) {
  return in_terms_of(recipe, [&] { return step_plan(recipe, num_train, ranks); });
}

RunPlan plan_run(const Recipe& recipe, std::int64_t num_train, const Environment& environment) {
  return in_terms_of(recipe, [&] { return run_plan_of(recipe, num_train, environment); });
}

std::optional<TargetKind> wanted_targets(const Recipe& recipe, const TaskRegistry& tasks) {
  return tasks.targets_of(recipe.task.name);
}

std::optional<std::int64_t> planned_samples(const Recipe& recipe, const Environment& environment) {
  return in_terms_of(recipe, [&] {
    return planned_train_samples(recipe.data, descriptor_of(recipe, environment),
                                 environment.registries.formats);
  });
}

RecipeRun build(const Recipe& recipe, const Environment& environment) {
  return build_on(read_data(recipe, environment), recipe, environment);
}

RecipeRun build_on(const DataSet& data, const Recipe& recipe, const Environment& environment) {
  return in_terms_of(recipe, [&] { return run_on(data, recipe, environment); });
}

RecipeRun build_parts(const DataSet& data, const Recipe& recipe, const Environment& environment) {
  RecipeRun run;
  run.recipe = recipe;
  run.data = data;
  in_terms_of(recipe, [&] { make_task_and_model(run, environment.registries); });
  return run;
}

RecipeRun build_for_evaluation(const Recipe& recipe, const Environment& environment) {
  RecipeRun run;
  run.recipe = recipe;
  run.group = environment.group;
  run.data = read_data(recipe, environment);
  in_terms_of(recipe, [&] { make_model(run, environment, InitialWeights::loaded_later); });
  return run;
}

RecipeRun build_for_task(const NetworkTask& task, const Recipe& recipe,
                         const Environment& environment) {
  RecipeRun run;
  run.recipe = recipe;
  run.data.name = task.data;
  std::vector<std::int64_t> sizes = {0, task.channels, task.image_height(), task.image_width()};
  if (!task.sample_shape.empty()) {
    sizes = task.sample_shape;
    sizes.insert(sizes.begin(), 0);
  }
  run.data.train = {at::empty(sizes, task.sample_shape.empty() ? at::kByte : at::kFloat),
                    at::empty({0}, at::kLong)};
  run.data.classes = task.classes;
  run.data.targets = task.targets;
  if (task.table) run.data.table = std::make_shared<const TableEncoding>(*task.table);
  run.data.mean = task.mean;
  run.data.std = task.std;
  if (task.batch_resize) run.data.resize = task.batch_resize->side;
  if (run.data.is_pictures() &&
      (run.data.height() != task.height || run.data.width() != task.width))
    run.data.crop = task.height;
  in_terms_of(recipe, [&] {
    run.data.target_kind = told_kind(task, *make_task(task, environment.registries.tasks));
    make_model(run, environment, InitialWeights::loaded_later);
  });
  return run;
}

std::shared_ptr<Source> source_of(const ImageSet& pictures, const RecipeRun& run) {
  return loader_of(pictures, run, {});
}

Augment augment_of(const Recipe& recipe, const Registries& registries) {
  Augment augment;
  for (const Choice& part : recipe.data.augment) registries.augmentations.make(part, augment);
  return augment;
}

ModelContext context_of(const DataSet& data, const Recipe& recipe) {
  ModelContext context{data.channels(), data.height(), data.width(), data.outputs(),
                       static_cast<std::uint64_t>(recipe.seed)};
  if (!data.is_pictures()) context.sample_shape = data.sample_shape();
  if (data.table) context.categories = data.table->categories();
  return context;
}

NetworkTask task_of(const RecipeRun& run, const Environment& environment) {
  const DataSet& data = run.data;
  NetworkTask task;
  task.data = data.name;
  task.channels = data.channels();
  task.height = data.height();
  task.width = data.width();
  task.classes = data.classes;
  task.task = run.recipe.task;
  task.targets = data.targets;
  if (data.table) task.table = *data.table;
  task.mean = data.mean;
  task.std = data.std;
  if (!data.is_pictures()) {
    task.sample_shape = data.sample_shape();
    return task;
  }
  const auto reader =
      environment.registries.formats.make(descriptor_of(run.recipe, environment).format);
  if (data.resize > 0)
    task.batch_resize = {data.resize, data.train.images.size(2), data.train.images.size(3)};
  task.resize = std::max(reader->picture_side().value_or(0), task.image_height());
  return task;
}

}  // namespace onecycle
