#pragma once

#include "onecycle/events.h"

#include "core/text/json.h"
#include "kernels/metrics/metrics.h"
#include "kernels/update/loss_scale.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace onecycle {

// The host's part of a run under way: with weights and optimizer all that a checkpoint needs.
struct RunState {
  std::int64_t steps = 0;        // taken
  std::int64_t total_batch = 0;  // samples of each; 0: not known
  kernels::MetricSums sums;
  kernels::MetricSums logged;               // as of the last log point
  kernels::MetricSums evaluated;            // as of the last evaluation
  std::optional<kernels::LossScale> scale;  // with fp16
  double seconds = 0;
  double evaluation_seconds = 0;
  std::optional<double> best;                    // of `stop.monitor` on validation
  std::int64_t best_step = 0;                    // of the checkpoint with it; 0: none yet
  double lr_scale = 1;                           // after fallbacks
  std::int64_t retries = 0;                      // fallbacks so far
  std::optional<Score> train, validation, test;  // of the last evaluation
  bool evaluation_due = false;                   // left out because the run was to stop
  std::vector<LearningCurvePoint> curve;         // the evaluations
  std::map<std::string, std::string> observers;
};

// null where there is none. score_in throws Json::exception for what is no score.
Json json_of_score(const std::optional<Score>& score);
std::optional<Score> score_in(const Json& json);

std::string to_json(const RunState& state);
// Throws CheckpointError that names `source`.
RunState run_state_from_json(const std::string& text, const std::string& source);

// In a checkpoint's metadata: the state.
inline constexpr const char* kState = "state";
// The state in the metadata, where there is one. Throws as above.
std::optional<RunState> run_state_in(const std::map<std::string, std::string>& metadata,
                                     const std::string& source);

}  // namespace onecycle
