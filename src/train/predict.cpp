#include "onecycle/predict.h"

#include "onecycle/data.h"
#include "onecycle/error.h"

#include "core/format.h"
#include "core/json.h"
#include "core/json_text.h"
#include "core/utf8.h"
#include "train/forward.h"
#include "train/sums.h"
#include "train/views.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

namespace onecycle {

ONECYCLE_JSON(NetworkTask, data, channels, height, width, classes, mean, std, resize)

namespace {

// The rows of all ranks, in their order: [N, columns], fp32.
at::Tensor all_rows(Group& group, const std::vector<at::Tensor>& own, std::int64_t columns) {
  const at::Tensor rows = own.empty() ? at::empty({0, columns}) : at::cat(own).contiguous();
  if (group.size() == 1) return rows;
  const std::string bytes(static_cast<const char*>(rows.const_data_ptr()), rows.nbytes());
  std::vector<at::Tensor> parts;
  for (std::string& part : group.gather_bytes(bytes))
    parts.push_back(
        at::from_blob(part.data(),
                      {static_cast<std::int64_t>(part.size() / sizeof(float)) / columns, columns},
                      at::kFloat)
            .clone());
  return at::cat(parts);
}

// Finite weights may still be so large that what they compute is not.
void check_probabilities(const at::Tensor& probabilities) {
  if (probabilities.numel() == 0 || at::isfinite(probabilities.sum()).item<bool>()) return;
  const at::Tensor wrong = probabilities.isfinite().all(1).logical_not().nonzero();
  throw Error(
      format("the network's outputs are not numbers for {} samples, the first of them sample {} "
             "(counted from 0); its weights are too large, or the precision too narrow",
             wrong.size(0), wrong[0].item<std::int64_t>()));
}

// The first field that no network could have, or nullptr.
const char* wrong_field(const NetworkTask& task) {
  constexpr std::int64_t kLongest = 1 << 16, kMostPixels = std::int64_t{1} << 31;
  const auto is_length = [](std::int64_t length) { return length >= 1 && length <= kLongest; };
  if (!is_length(task.channels)) return "channels";
  if (!is_length(task.height)) return "height";
  if (!is_length(task.width) || task.height * task.width > kMostPixels / task.channels)
    return "width";
  if (!is_length(task.resize) || task.resize < std::min(task.height, task.width)) return "resize";
  if (task.classes.empty() || std::any_of(task.classes.begin(), task.classes.end(), why_no_name))
    return "classes";
  const auto channels = static_cast<std::size_t>(task.channels);
  const auto pixels = static_cast<std::size_t>(task.channels * task.height * task.width);
  const auto is_mean = [](double value) { return std::abs(value) <= kLargestDeviation; };
  const auto is_deviation = [](double value) {
    return value >= kLeastDeviation && value <= kLargestDeviation;
  };
  if ((task.mean.size() != channels && task.mean.size() != pixels) ||
      !std::all_of(task.mean.begin(), task.mean.end(), is_mean))
    return "mean";
  if (task.std.size() != channels || !std::all_of(task.std.begin(), task.std.end(), is_deviation))
    return "std";
  return nullptr;
}

}  // namespace

Prediction predict(const Run& run, Source& samples, const PredictOptions& options) {
  if (!can_be_viewed(run.context, options.augmentation))
    throw Error("images of one pixel cannot be shifted: use another test-time augmentation");
  Sums sums(run.compute.device);
  std::vector<at::Tensor> probabilities;
  std::int64_t done = 0;
  forward_all(run, samples, options.full_precision, [&](const Batch& batch) {
    const at::Tensor logits =
        logits_of_views(*run.model, batch.inputs, options.augmentation, run.compute.memory_format);
    add_to(sums, *run.task, logits, batch);
    probabilities.push_back(at::softmax(logits.narrow(0, 0, batch.valid), 1).cpu());
    done += batch.valid;
    if (options.progress) options.progress(done);
  });
  Prediction result{
      score_between({}, sum_over(*run.group, sums.read()), run.task->metrics().size()),
      all_rows(*run.group, probabilities, run.context.classes)};
  check_probabilities(result.probabilities);
  return result;
}

std::string to_json(const NetworkTask& task) { return json_text(task); }

std::optional<NetworkTask> task_in(const std::map<std::string, std::string>& metadata,
                                   const std::string& source) {
  const auto text = metadata.find("task");
  if (text == metadata.end()) return std::nullopt;
  try {
    auto task = parse_json(text->second).get<NetworkTask>();
    const char* wrong = wrong_field(task);
    if (wrong == nullptr) return task;
    throw CheckpointError(
        format("{}: what it says of its network's task cannot be: `{}`; use an "
               "intact copy",
               source, wrong));
  } catch (const Json::exception&) {
  }
  throw CheckpointError(source + ": what it says of its network's task cannot be read");
}

}  // namespace onecycle
