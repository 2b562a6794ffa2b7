#include "onecycle/predictor.h"

#include "onecycle/error.h"
#include "onecycle/loader.h"

#include "core/process/this_process.h"
#include "core/text/format.h"
#include "core/text/json_text.h"
#include "core/text/printable.h"
#include "data/arrays/array_samples.h"
#include "data/arrays/standardise.h"
#include "data/images/resize.h"
#include "data/pictures/picture_fit.h"
#include "formats/checkpoint_files.h"
#include "network/input_format.h"
#include "network/views.h"
#include "network/weights.h"
#include "options/value_json.h"

#include <algorithm>
#include <filesystem>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/DeviceGuard.h>

namespace onecycle {

struct Predictor::Network {
  std::shared_ptr<Model> model;
  NetworkTask task;
  std::shared_ptr<const Task> tells;
  PredictorOptions options;
  Compute compute = {};
  std::vector<std::string> warnings = {};
  std::optional<Loader> bytes = {}, floats = {};  // make the inputs of images of either type

  // Moves and converts the model. The weights are then to be loaded into the result, or are there.
  Parameters place();
  void make_loaders();

  bool takes_pictures() const { return task.sample_shape.empty(); }
  // As the model takes them, of samples that were checked, on the device; messages count them from
  // `first`.
  at::Tensor inputs_of(const at::Tensor& samples, std::int64_t first) const;
  // Of outputs [N, ...], on any device.
  Predictions predictions_of(const at::Tensor& outputs) const;
};

namespace {

ModelContext context_of(const NetworkTask& task, const Task& tells) {
  ModelContext context{task.channels, task.height, task.width, tells.outputs(task.told())};
  context.sample_shape = task.sample_shape;
  if (task.table) context.categories = task.table->categories();
  return context;
}

struct FoundFile {
  std::string path;
  std::shared_ptr<const WeightsFile> file;
};

// The file itself, or the newest sound checkpoint of a run's folder.
FoundFile find_weights(const std::string& path, std::vector<std::string>& warnings) {
  const auto open = [](const std::string& file) {
    return FoundFile{file, std::make_shared<const WeightsFile>(file)};
  };
  if (!std::filesystem::is_directory(path)) return open(path);
  const auto found = first_sound(checkpoints_path(path), warnings, open);
  if (!found) throw CheckpointError(path + ": not the folder of a run: it holds no checkpoint");
  return *found;
}

std::shared_ptr<Model> model_in(const Metadata& metadata, const std::string& path,
                                const ModelContext& context, const ModelRegistry& models) {
  try {
    const Choice model =
        choice_of(parse_json(metadata.at(kModelKey)), models.variants(), kModelKey);
    return models.make(model, context);
  } catch (const std::exception& error) {  // of LibTorch, too, whose texts have many lines
    throw CheckpointError(
        format("{}: its network cannot be built: {}", path, first_line(error.what())));
  }
}

std::shared_ptr<const Task> task_made(const NetworkTask& task, const std::string& path,
                                      const TaskRegistry& tasks) {
  try {
    return make_task(task, tasks);
  } catch (const Error& error) {
    throw CheckpointError(format("{}: its network's task cannot be made: {}", path, error.what()));
  }
}

// `[N, 3, 4]` of samples [3, 4].
std::string batch_text(std::vector<std::int64_t> shape) {
  const std::string sizes = joined(shape, ", ", [](auto size) { return std::to_string(size); });
  return format("[N, {}]", sizes);
}

void check_samples(const at::Tensor& samples, const std::vector<std::int64_t>& shape) {
  if (!samples.defined() || samples.dim() == 0 || samples.sizes().slice(1) != shape)
    throw Error(format("the network takes samples {}, got {}", batch_text(shape),
                       samples.defined() ? shape_text(samples.sizes().vec()) : "none"));
  if (samples.scalar_type() != at::kFloat && samples.scalar_type() != at::kDouble)
    throw Error(
        format("samples must be float32 or float64, got {}", at::toString(samples.scalar_type())));
}

// Of images that are not empty, as the network's size is cut from them.
ImageSides sides_of(const at::Tensor& images, const NetworkTask& task) {
  const ImageSides given{images.size(2), images.size(3)};
  return task.batch_resize ? resized_sides(given, task.batch_resize->side) : given;
}

void check_images(const at::Tensor& images, const NetworkTask& task) {
  const bool sized = images.defined() && images.dim() == 4 && images.size(1) == task.channels &&
                     images.size(2) > 0 && images.size(3) > 0;
  const ImageSides sides = sized ? sides_of(images, task) : ImageSides{};
  const bool same = sized && sides == ImageSides{task.height, task.width};
  const bool larger = sized && task.height == task.width && sides.shorter() >= task.height;
  if (!same && !larger)
    throw Error(format("the network takes images [N, {}, {}, {}], got {}", task.channels,
                       task.image_height(), task.image_width(),
                       images.defined() ? shape_text(images.sizes().vec()) : "none"));
  if (images.scalar_type() != at::kByte && images.scalar_type() != at::kFloat)
    throw Error(format("images must be uint8, or float32 from 0 to 1, got {}",
                       at::toString(images.scalar_type())));
}

PictureFit fit_of(const NetworkTask& task) {
  if (!task.sample_shape.empty())
    throw Error(
        format("the network takes {}, not pictures",
               task.table ? "rows of a table" : "samples " + batch_text(task.sample_shape)));
  if (task.image_height() != task.image_width() || (task.channels != 1 && task.channels != 3))
    throw Error(
        format("the network takes {}x{}x{} images: pictures become squares of 1 or 3 channels",
               task.channels, task.image_height(), task.image_width()));
  return {task.channels, task.resize, task.image_height()};
}

}  // namespace

Parameters Predictor::Network::place() {
  const ComputeOptions wanted{options.device, options.precision};
  if (options.batch_size < 1) throw Error("a Predictor's batch_size must be at least 1");
  require_viewable(context_of(task, *tells), options.views);
  const std::string no_cuda = wanted.device == DeviceChoice::cuda ? why_no_cuda() : "";
  if (!no_cuda.empty()) throw Error("cuda is not usable here: " + no_cuda);
  const std::string no_precision = why_no_precision(wanted);
  if (!no_precision.empty()) throw Error("bf16 is not usable here: " + no_precision);
  compute = choose_compute(wanted, *model);
  if (takes_pictures()) make_loaders();
  model->eval();
  Parameters parameters(model, compute.device, compute.dtype, compute.memory_format);
  for (at::Tensor& parameter : model->parameters()) parameter.set_requires_grad(false);
  return parameters;
}

void Predictor::Network::make_loaders() {
  LoaderOptions inputs;
  const InputFormat wanted = input_format(*model, compute);
  inputs.device = wanted.device;
  inputs.dtype = wanted.dtype;
  inputs.memory_format = wanted.memory_format;
  inputs.mean = task.mean;
  inputs.std = task.std;
  if (task.batch_resize) inputs.resize = task.batch_resize->side;
  const auto loader = [&](at::ScalarType type) {
    const at::Tensor black =
        at::zeros({1, task.channels, task.image_height(), task.image_width()}, type);
    return Loader({black, at::zeros({1}, at::kLong)}, inputs);
  };
  bytes.emplace(loader(at::kByte));
  floats.emplace(loader(at::kFloat));
}

at::Tensor Predictor::Network::inputs_of(const at::Tensor& samples, std::int64_t first) const {
  if (!takes_pictures())
    return standardised(samples, task.mean, task.std, "the inputs", first)
        .to(input_format(*model, compute).dtype);
  const bool cut = !(sides_of(samples, task) == ImageSides{task.height, task.width});
  const Loader& loader = samples.scalar_type() == at::kByte ? *bytes : *floats;
  return loader.of_images(samples, cut ? task.height : 0).inputs;
}

Predictions Predictor::Network::predictions_of(const at::Tensor& outputs) const {
  const at::Tensor told = prediction_rows(*tells, outputs);
  check_predictions(told);
  Predictions result{outputs.cpu(), {}};
  if (told_kind(task, *tells) == TargetKind::values)
    result.values = told.to(at::kDouble);
  else
    result.probabilities = told;
  return result;
}

Predictor::Predictor(const std::string& path, const PredictorOptions& options,
                     const ModelRegistry& models, const TaskRegistry& tasks) {
  std::vector<std::string> warnings;
  const auto [file, weights] = find_weights(path, warnings);
  const WeightsContent& content = weights->content();
  auto task = task_in(content.metadata, file, tasks);
  if (!task || !content.metadata.contains(kModelKey))
    throw CheckpointError(file + ": does not say which network its weights belong to; `" +
                          program_name() +
                          " export RUN_DIR --to FILE.safetensors` writes a file that does");
  auto tells = task_made(*task, file, tasks);
  auto model = model_in(content.metadata, file, context_of(*task, *tells), models);
  auto network = std::make_shared<Network>(
      Network{std::move(model), std::move(*task), std::move(tells), options});
  network->warnings = std::move(warnings);
  Parameters parameters = network->place();
  (void)load_weights(content, file, WeightsOptions{}, parameters, options.averaged);
  network_ = std::move(network);
}

Predictor::Predictor(std::shared_ptr<Model> model, NetworkTask task,
                     const PredictorOptions& options, const TaskRegistry& tasks) {
  auto tells = make_task(task, tasks);
  auto network = std::make_shared<Network>(
      Network{std::move(model), std::move(task), std::move(tells), options});
  (void)network->place();
  network_ = std::move(network);
}

Predictions Predictor::predict(const at::Tensor& images) const {
  const NetworkTask& task = network_->task;
  const Compute& compute = network_->compute;
  const at::NoGradGuard no_grad;
  if (network_->takes_pictures())
    check_images(images, task);
  else
    check_samples(images, task.sample_shape);
  const std::int64_t count = images.size(0);
  if (count == 0)
    return network_->predictions_of(at::empty({0, network_->tells->outputs(task.told())}));
  const c10::DeviceGuard guard(compute.device);
  const at::Tensor given = images.detach();
  std::vector<at::Tensor> outputs;
  for (std::int64_t first = 0; first < count; first += network_->options.batch_size) {
    const std::int64_t rows = std::min(network_->options.batch_size, count - first);
    const at::Tensor part = given.narrow(0, first, rows).contiguous().to(compute.device);
    outputs.push_back(logits_of_views(*network_->model, network_->inputs_of(part, first),
                                      network_->options.views, compute.memory_format));
  }
  return network_->predictions_of(outputs.size() == 1 ? outputs.front() : at::cat(outputs));
}

Predictions Predictor::predict(const std::vector<std::string>& pictures) const {
  const NetworkTask& task = network_->task;
  require_pictures();
  if (pictures.empty())
    return predict(
        at::empty({0, task.channels, task.image_height(), task.image_width()}, at::kByte));
  std::vector<Predictions> parts;
  const auto count = static_cast<std::int64_t>(pictures.size());
  for (std::int64_t first = 0; first < count; first += network_->options.batch_size) {
    const std::int64_t rows = std::min(network_->options.batch_size, count - first);
    std::vector<at::Tensor> images(static_cast<std::size_t>(rows));
    at::parallel_for(0, rows, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        images[static_cast<std::size_t>(i)] =
            picture(pictures[static_cast<std::size_t>(first + i)]);
    });
    parts.push_back(predict(at::stack(images)));
  }
  const auto whole = [&](at::Tensor Predictions::*member) {
    if (!(parts.front().*member).defined()) return at::Tensor();
    std::vector<at::Tensor> tensors;
    for (const Predictions& part : parts) tensors.push_back(part.*member);
    return at::cat(tensors);
  };
  return {whole(&Predictions::logits), whole(&Predictions::probabilities),
          whole(&Predictions::values)};
}

Predictions Predictor::predict_table(const std::string& csv_file) const {
  const NetworkTask& task = network_->task;
  if (!task.table)
    throw Error(csv_file + ": the network was trained on no table, so it cannot take its rows");
  return predict(read_rows(csv_file, *task.table));
}

Predictions Predictor::predict_arrays(const std::string& file,
                                      const std::vector<std::string>& names) const {
  const at::Tensor samples = read_samples(file, names);
  try {
    return predict(samples);
  } catch (const Error& error) {
    throw DataError(format("{}: {}", file, error.what()));
  }
}

at::Tensor Predictor::picture(const std::string& file) const {
  return read_fitted(file, fit_of(network_->task));
}

at::Tensor Predictor::picture(std::span<const std::uint8_t> bytes, const std::string& name) const {
  const PictureFit fit = fit_of(network_->task);
  return fitted(decode_picture(bytes.data(), bytes.size(), name, fit.decoding()), fit);
}

void Predictor::require_pictures() const { (void)fit_of(network_->task); }

std::vector<RankedClass> Predictor::top(const at::Tensor& probabilities, std::int64_t count) const {
  if (tells() == TargetKind::values) throw Error("the network tells values, which have no classes");
  const auto [values, places] = at::sort(probabilities, /*stable=*/true, 0, /*descending=*/true);
  std::vector<RankedClass> result;
  for (std::int64_t i = 0; i < std::min(count, values.size(0)); ++i)
    result.push_back(
        {network_->task.classes.at(static_cast<std::size_t>(places[i].item<std::int64_t>())),
         values[i].item<double>()});
  return result;
}

const NetworkTask& Predictor::task() const { return network_->task; }
TargetKind Predictor::tells() const { return told_kind(network_->task, *network_->tells); }
const Compute& Predictor::compute() const { return network_->compute; }
const std::vector<std::string>& Predictor::warnings() const { return network_->warnings; }

}  // namespace onecycle
