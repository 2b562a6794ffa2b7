#include "onecycle/predictor.h"

#include "onecycle/error.h"
#include "onecycle/loader.h"

#include "core/text/format.h"
#include "core/text/json_text.h"
#include "core/text/printable.h"
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
  PredictorOptions options;
  Compute compute = {};
  std::vector<std::string> warnings = {};
  std::optional<Loader> bytes = {}, floats = {};  // make the inputs of images of either type

  // Moves and converts the model. The weights are then to be loaded into the result, or are there.
  Parameters place();
};

namespace {

ModelContext context_of(const NetworkTask& task) {
  return {task.channels, task.height, task.width, static_cast<std::int64_t>(task.classes.size())};
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
                                const NetworkTask& task, const ModelRegistry& models) {
  try {
    const Choice model =
        choice_of(parse_json(metadata.at(kModelKey)), models.variants(), kModelKey);
    return models.make(model, context_of(task));
  } catch (const std::exception& error) {  // of LibTorch, too, whose texts have many lines
    throw CheckpointError(
        format("{}: its network cannot be built: {}", path, first_line(error.what())));
  }
}

void check_images(const at::Tensor& images, const NetworkTask& task) {
  const bool sized = images.defined() && images.dim() == 4 && images.size(1) == task.channels;
  const bool same = sized && images.size(2) == task.height && images.size(3) == task.width;
  const bool larger = sized && task.height == task.width && images.size(2) >= task.height &&
                      images.size(3) >= task.width;
  if (!same && !larger)
    throw Error(format("the network takes images [N, {}, {}, {}], got {}", task.channels,
                       task.height, task.width,
                       images.defined() ? shape_text(images.sizes().vec()) : "none"));
  if (images.scalar_type() != at::kByte && images.scalar_type() != at::kFloat)
    throw Error(format("images must be uint8, or float32 from 0 to 1, got {}",
                       at::toString(images.scalar_type())));
}

PictureFit fit_of(const NetworkTask& task) {
  if (task.height != task.width || (task.channels != 1 && task.channels != 3))
    throw Error(
        format("the network takes {}x{}x{} images: pictures become squares of 1 or 3 channels",
               task.channels, task.height, task.width));
  return {task.channels, task.resize, task.height};
}

}  // namespace

Parameters Predictor::Network::place() {
  const ComputeOptions wanted{options.device, options.precision};
  if (options.batch_size < 1) throw Error("a Predictor's batch_size must be at least 1");
  require_viewable(context_of(task), options.views);
  const std::string no_cuda = wanted.device == DeviceChoice::cuda ? why_no_cuda() : "";
  if (!no_cuda.empty()) throw Error("cuda is not usable here: " + no_cuda);
  const std::string no_precision = why_no_precision(wanted);
  if (!no_precision.empty()) throw Error("bf16 is not usable here: " + no_precision);
  compute = choose_compute(wanted, *model);
  LoaderOptions inputs;
  const InputFormat wanted_inputs = input_format(*model, compute);
  inputs.device = wanted_inputs.device;
  inputs.dtype = wanted_inputs.dtype;
  inputs.memory_format = wanted_inputs.memory_format;
  inputs.mean = task.mean;
  inputs.std = task.std;
  const auto loader = [&](at::ScalarType type) {
    const at::Tensor black = at::zeros({1, task.channels, task.height, task.width}, type);
    return Loader({black, at::zeros({1}, at::kLong)}, inputs);
  };
  bytes.emplace(loader(at::kByte));
  floats.emplace(loader(at::kFloat));
  model->eval();
  Parameters parameters(model, compute.device, compute.dtype, compute.memory_format);
  for (at::Tensor& parameter : model->parameters()) parameter.set_requires_grad(false);
  return parameters;
}

Predictor::Predictor(const std::string& path, const PredictorOptions& options,
                     const ModelRegistry& models) {
  std::vector<std::string> warnings;
  const auto [file, weights] = find_weights(path, warnings);
  const WeightsContent& content = weights->content();
  auto task = task_in(content.metadata, file);
  if (!task || !content.metadata.contains(kModelKey))
    throw CheckpointError(file +
                          ": does not say which network its weights belong to; `onecycle export "
                          "RUN_DIR --to FILE.safetensors` writes a file that does");
  auto model = model_in(content.metadata, file, *task, models);
  auto network = std::make_shared<Network>(Network{std::move(model), std::move(*task), options});
  network->warnings = std::move(warnings);
  Parameters parameters = network->place();
  (void)load_weights(content, file, WeightsOptions{}, parameters, options.averaged);
  network_ = std::move(network);
}

Predictor::Predictor(std::shared_ptr<Model> model, NetworkTask task,
                     const PredictorOptions& options) {
  auto network = std::make_shared<Network>(Network{std::move(model), std::move(task), options});
  (void)network->place();
  network_ = std::move(network);
}

Predictions Predictor::predict(const at::Tensor& images) const {
  const NetworkTask& task = network_->task;
  const Compute& compute = network_->compute;
  const at::NoGradGuard no_grad;
  check_images(images, task);
  const std::int64_t count = images.size(0);
  if (count == 0) {
    const at::Tensor none = at::empty({0, static_cast<std::int64_t>(task.classes.size())});
    return {none, none.clone()};
  }
  const c10::DeviceGuard guard(compute.device);
  const bool cut = images.size(2) != task.height || images.size(3) != task.width;
  const at::Tensor given = images.detach().contiguous().to(compute.device);
  const Loader& loader = given.scalar_type() == at::kByte ? *network_->bytes : *network_->floats;
  std::vector<at::Tensor> logits;
  for (std::int64_t first = 0; first < count; first += network_->options.batch_size) {
    const std::int64_t rows = std::min(network_->options.batch_size, count - first);
    const Batch batch = loader.of_images(given.narrow(0, first, rows), cut ? task.height : 0);
    logits.push_back(logits_of_views(*network_->model, batch.inputs, network_->options.views,
                                     compute.memory_format));
  }
  const at::Tensor all = logits.size() == 1 ? logits.front() : at::cat(logits);
  Predictions result{all.cpu(), at::softmax(all, 1).cpu()};
  check_probabilities(result.probabilities);
  return result;
}

Predictions Predictor::predict(const std::vector<std::string>& pictures) const {
  const NetworkTask& task = network_->task;
  if (pictures.empty())
    return predict(at::empty({0, task.channels, task.height, task.width}, at::kByte));
  std::vector<at::Tensor> logits, probabilities;
  const auto count = static_cast<std::int64_t>(pictures.size());
  for (std::int64_t first = 0; first < count; first += network_->options.batch_size) {
    const std::int64_t rows = std::min(network_->options.batch_size, count - first);
    std::vector<at::Tensor> images(static_cast<std::size_t>(rows));
    at::parallel_for(0, rows, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        images[static_cast<std::size_t>(i)] =
            picture(pictures[static_cast<std::size_t>(first + i)]);
    });
    const Predictions part = predict(at::stack(images));
    logits.push_back(part.logits);
    probabilities.push_back(part.probabilities);
  }
  return {at::cat(logits), at::cat(probabilities)};
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
  const auto [values, places] = at::sort(probabilities, /*stable=*/true, 0, /*descending=*/true);
  std::vector<RankedClass> result;
  for (std::int64_t i = 0; i < std::min(count, values.size(0)); ++i)
    result.push_back(
        {network_->task.classes.at(static_cast<std::size_t>(places[i].item<std::int64_t>())),
         values[i].item<double>()});
  return result;
}

const NetworkTask& Predictor::task() const { return network_->task; }
const Compute& Predictor::compute() const { return network_->compute; }
const std::vector<std::string>& Predictor::warnings() const { return network_->warnings; }

}  // namespace onecycle
