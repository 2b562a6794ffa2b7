#include "onecycle/data.h"
#include "onecycle/error.h"
#include "onecycle/predictor.h"

#include "core/text/format.h"
#include "core/text/json.h"
#include "core/text/json_text.h"
#include "core/text/printable.h"
#include "core/text/utf8.h"
#include "data/arrays/standardise.h"
#include "data/images/resize.h"
#include "network/table_json.h"
#include "options/value_json.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

ONECYCLE_JSON(TargetStatistics, names, mean, std, counts)
ONECYCLE_JSON(BatchResize, side, height, width)

namespace {

constexpr std::int64_t kMostNumbers = std::int64_t{1} << 31;  // of a sample

Json json_of_task(const NetworkTask& task) {
  return {{"data", task.data},
          {"channels", task.channels},
          {"height", task.height},
          {"width", task.width},
          {"classes", task.classes},
          {"mean", task.mean},
          {"std", task.std},
          {"resize", task.resize},
          {"task", json_of(task.task)},
          {"targets", task.targets},
          {"sample_shape", task.sample_shape},
          {"table", task.table},
          {"batch_resize", task.batch_resize}};
}

// All but the choice of the task. Those of before there were other tasks end at `resize`, and those
// of before batches were resized at `table`.
NetworkTask task_of_json(const Json& json) {
  NetworkTask task;
  json.at("data").get_to(task.data);
  json.at("channels").get_to(task.channels);
  json.at("height").get_to(task.height);
  json.at("width").get_to(task.width);
  json.at("classes").get_to(task.classes);
  json.at("mean").get_to(task.mean);
  json.at("std").get_to(task.std);
  json.at("resize").get_to(task.resize);
  if (!json.contains("task")) return task;
  json.at("targets").get_to(task.targets);
  json.at("sample_shape").get_to(task.sample_shape);
  json.at("table").get_to(task.table);
  if (json.contains("batch_resize")) json.at("batch_resize").get_to(task.batch_resize);
  return task;
}

bool are_means(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(),
                     [](double value) { return std::abs(value) <= kLargestDeviation; });
}

bool are_deviations(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double value) {
    return value >= kLeastDeviation && value <= kLargestDeviation;
  });
}

bool are_names(const std::vector<std::string>& names) {
  return !names.empty() && std::none_of(names.begin(), names.end(), why_no_name);
}

bool is_length(std::int64_t length) {
  constexpr std::int64_t kLongest = 1 << 16;
  return length >= 1 && length <= kLongest;
}

bool is_sample(const ImageSides& sides, std::int64_t channels) {
  return sides.height <= kMostNumbers / channels / sides.width;
}

// Whether a network's size can come of it, in memory that there may be.
bool is_possible(const BatchResize& resize, const NetworkTask& task) {
  if (!is_length(resize.side) || !is_length(resize.height) || !is_length(resize.width))
    return false;
  const ImageSides from{resize.height, resize.width};
  const ImageSides to = resized_sides(from, resize.side);
  return is_sample(from, task.channels) && is_sample(to, task.channels) &&
         to.height >= task.height && to.width >= task.width &&
         task.mean.size() == static_cast<std::size_t>(task.channels);
}

const char* wrong_in_pictures(const NetworkTask& task) {
  if (!is_length(task.channels)) return "channels";
  if (!is_length(task.height)) return "height";
  if (!is_length(task.width) || !is_sample({task.height, task.width}, task.channels))
    return "width";
  if (task.batch_resize && !is_possible(*task.batch_resize, task)) return "batch_resize";
  if (!is_length(task.resize) || task.resize < std::min(task.image_height(), task.image_width()))
    return "resize";
  const auto channels = static_cast<std::size_t>(task.channels);
  const auto pixels = static_cast<std::size_t>(task.channels * task.height * task.width);
  if ((task.mean.size() != channels && task.mean.size() != pixels) || !are_means(task.mean))
    return "mean";
  if (task.std.size() != channels || !are_deviations(task.std)) return "std";
  return task.table ? "table" : nullptr;
}

// Of samples that are no pictures.
const char* wrong_in_samples(const NetworkTask& task) {
  std::int64_t numbers = 1;
  for (const std::int64_t length : task.sample_shape) {
    if (length < 1 || length > kMostNumbers / numbers) return "sample_shape";
    numbers *= length;
  }
  if (task.sample_shape.size() == 3) return "sample_shape";  // a picture's
  if (task.batch_resize) return "batch_resize";
  if (task.channels != numbers) return "channels";
  if (task.height != 1) return "height";
  if (task.width != 1) return "width";
  const bool measured = !task.mean.empty() || !task.std.empty();
  const bool one = task.mean.size() == 1 && numbers > kMostNumberStatistics;
  const auto means = static_cast<std::size_t>(!measured ? 0 : one ? 1 : numbers);
  if (task.mean.size() != means || !are_means(task.mean)) return "mean";
  if (task.std.size() != means || !are_deviations(task.std)) return "std";
  if (!task.table) return nullptr;
  if (measured) return "mean";
  if (!is_sound(*task.table) || task.sample_shape.size() != 1) return "table";
  const auto embedded = static_cast<std::int64_t>(task.table->categories().size());
  return task.table->features() + embedded == numbers ? nullptr : "table";
}

const char* wrong_in_targets(const NetworkTask& task) {
  const TargetStatistics& targets = task.targets;
  if (task.classes.empty()) {
    if (!are_names(targets.names)) return "targets";
    if (targets.mean.size() != targets.names.size() || !are_means(targets.mean)) return "targets";
    if (targets.std.size() != targets.names.size() || !are_deviations(targets.std))
      return "targets";
    return targets.counts.empty() ? nullptr : "targets";
  }
  if (!are_names(task.classes)) return "classes";
  if (!targets.names.empty() || !targets.mean.empty() || !targets.std.empty()) return "targets";
  if (!targets.counts.empty() && targets.counts.size() != task.classes.size()) return "targets";
  const bool counted = std::all_of(targets.counts.begin(), targets.counts.end(),
                                   [](std::int64_t count) { return count >= 0; });
  return counted ? nullptr : "targets";
}

// The first field that no network could have, or nullptr.
const char* wrong_field(const NetworkTask& task) {
  const char* wrong = task.sample_shape.empty() ? wrong_in_pictures(task) : wrong_in_samples(task);
  if (wrong != nullptr) return wrong;
  if (task.classes.empty() && task.targets.names.empty()) return "classes";
  return wrong_in_targets(task);
}

// The choice in `json`, which has all of its options.
Choice chosen_in(const Json& json, const std::string& source, const TaskRegistry& tasks) {
  if (!json.contains("task")) return {"classification"};
  try {
    return choice_of(json.at("task"), tasks.variants(), kTaskKey);
  } catch (const Error& error) {
    throw CheckpointError(
        format("{}: its network's task is not known: {}", source, first_line(error.what())));
  }
}

}  // namespace

std::string to_json(const NetworkTask& task) { return json_text(json_of_task(task)); }

std::string to_json(const Choice& model) { return json_text(json_of(model)); }

std::optional<NetworkTask> task_in(const std::map<std::string, std::string>& metadata,
                                   const std::string& source, const TaskRegistry& tasks) {
  const auto text = metadata.find(kTaskKey);
  if (text == metadata.end()) return std::nullopt;
  try {
    const Json json = parse_json(text->second);
    NetworkTask task = task_of_json(json);
    task.task = chosen_in(json, source, tasks);
    const char* wrong = wrong_field(task);
    if (wrong == nullptr) return task;
    throw CheckpointError(
        format("{}: what it says about its network's task is invalid: `{}`; use an intact copy",
               source, wrong));
  } catch (const Json::exception&) {
  }
  throw CheckpointError(source + ": what it says about its network's task cannot be read");
}

std::shared_ptr<const Task> make_task(const NetworkTask& task, const TaskRegistry& tasks) {
  auto made = tasks.make(task.task, {task.told(), 0, task.classes, task.targets});
  const TargetKind kind = told_kind(task, *made);
  if ((kind == TargetKind::values) != task.classes.empty())
    throw Error(format("the task {} tells {}, and the network has {}", task.task.name,
                       name_of(kind),
                       task.classes.empty() ? "names of values" : "classes or labels"));
  return made;
}

TargetKind told_kind(const NetworkTask& task, const Task& made) {
  return made.targets().value_or(task.classes.empty() ? TargetKind::values : TargetKind::classes);
}

}  // namespace onecycle
