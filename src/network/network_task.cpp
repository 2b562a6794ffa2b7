#include "onecycle/data.h"
#include "onecycle/error.h"
#include "onecycle/predictor.h"

#include "core/text/format.h"
#include "core/text/json.h"
#include "core/text/json_text.h"
#include "core/text/utf8.h"
#include "options/value_json.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

ONECYCLE_JSON(NetworkTask, data, channels, height, width, classes, mean, std, resize)

namespace {

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

std::string to_json(const NetworkTask& task) { return json_text(task); }

std::string to_json(const Choice& model) { return json_text(json_of(model)); }

std::optional<NetworkTask> task_in(const std::map<std::string, std::string>& metadata,
                                   const std::string& source) {
  const auto text = metadata.find(kTaskKey);
  if (text == metadata.end()) return std::nullopt;
  try {
    auto task = parse_json(text->second).get<NetworkTask>();
    const char* wrong = wrong_field(task);
    if (wrong == nullptr) return task;
    throw CheckpointError(
        format("{}: what it says about its network's task is invalid: `{}`; use an intact copy",
               source, wrong));
  } catch (const Json::exception&) {
  }
  throw CheckpointError(source + ": what it says about its network's task cannot be read");
}

}  // namespace onecycle
