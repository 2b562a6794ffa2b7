#include "onecycle/predict.h"

#include "onecycle/error.h"

#include "train/forward.h"
#include "train/metrics.h"

#include <nlohmann/json.hpp>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

using Json = nlohmann::ordered_json;

at::Tensor mirrored_logits(Model& model, const at::Tensor& images) {
  return (model.forward(images).to(at::kFloat) + model.forward(images.flip({3})).to(at::kFloat)) /
         2;
}

// Logits of the views, as in the infer_mirror and infer_mirror_translate of K. Jordan's airbench.
at::Tensor augmented_logits(Model& model, const at::Tensor& images, TestTimeAugmentation views,
                            at::MemoryFormat memory_format) {
  if (views == TestTimeAugmentation::none) return model.forward(images).to(at::kFloat);
  const at::Tensor plain = mirrored_logits(model, images);
  if (views == TestTimeAugmentation::flip) return plain;
  const std::int64_t height = images.size(2);
  const std::int64_t width = images.size(3);
  const at::Tensor padded = at::reflection_pad2d(images, {1, 1, 1, 1});
  const auto moved = [&](std::int64_t by) {
    return mirrored_logits(
        model, padded.narrow(2, by, height).narrow(3, by, width).contiguous(memory_format));
  };
  return plain / 2 + (moved(0) + moved(2)) / 4;
}

}  // namespace

Prediction predict(Run& run, const ImageSet& set, const PredictOptions& options) {
  if (options.augmentation == TestTimeAugmentation::flip_shift &&
      (run.context.height < 2 || run.context.width < 2))
    throw Error("images of one pixel cannot be shifted: use another test-time augmentation");
  Metrics metrics(run.compute.device);
  std::vector<at::Tensor> probabilities;
  std::int64_t done = 0;
  forward_all(run, set, options.full_precision, [&](const Batch& batch) {
    const at::Tensor logits =
        augmented_logits(*run.model, batch.images, options.augmentation, run.compute.memory_format);
    add_to(metrics, logits, batch.labels);
    probabilities.push_back(at::softmax(logits.narrow(0, 0, batch.valid), 1).cpu());
    done += batch.valid;
    if (options.progress) options.progress(done);
  });
  return {score_between({}, metrics.read()), at::cat(probabilities)};
}

NetworkTask task_of(const DataSet& data) {
  return {data.name,    data.channels(), data.height(), data.width(),
          data.classes, data.mean,       data.std};
}

std::string to_json(const NetworkTask& task) {
  return Json{{"data", task.data},   {"channels", task.channels}, {"height", task.height},
              {"width", task.width}, {"classes", task.classes},   {"mean", task.mean},
              {"std", task.std}}
      .dump();
}

std::optional<NetworkTask> task_in(const std::map<std::string, std::string>& metadata,
                                   const std::string& source) {
  const auto text = metadata.find("task");
  if (text == metadata.end()) return std::nullopt;
  try {
    const Json json = Json::parse(text->second);
    NetworkTask task{json.at("data"),    json.at("channels"), json.at("height"), json.at("width"),
                     json.at("classes"), json.at("mean"),     json.at("std")};
    const auto channels = static_cast<std::size_t>(std::max<std::int64_t>(0, task.channels));
    if (task.height > 0 && task.width > 0 && !task.classes.empty() && channels > 0 &&
        task.std.size() == channels && task.mean.size() >= channels)
      return task;
  } catch (const nlohmann::json::exception&) {
  }
  throw CheckpointError(source + ": what it says of its network's task cannot be read");
}

}  // namespace onecycle
