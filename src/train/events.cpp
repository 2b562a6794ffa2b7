#include "onecycle/events.h"

#include <cmath>
#include <csignal>

namespace onecycle {

const char* name_of(StopReason reason) {
  switch (reason) {
    case StopReason::finished:
      return "finished";
    case StopReason::diverged:
      return "diverged";
    case StopReason::early_stopped:
      return "early_stopped";
    case StopReason::interrupted:
      return "interrupted";
    case StopReason::out_of_memory:
      return "out_of_memory";
  }
  return "";
}

const char* name_of(Notice::Kind kind) {
  switch (kind) {
    case Notice::Kind::resumed:
      return "resumed";
    case Notice::Kind::checkpoint:
      return "checkpoint";
    case Notice::Kind::fell_back:
      return "fell_back";
    case Notice::Kind::warning:
      return "warning";
    case Notice::Kind::note:
      return "note";
    case Notice::Kind::proxy:
      return "proxy";
  }
  return "";
}

void StopSignal::request(StopReason reason, std::string message) {
  const std::lock_guard lock(mutex_);
  if (requested_) return;
  reason_ = reason;
  message_ = std::move(message);
  requested_ = true;
}

StopReason StopSignal::reason() const {
  const std::lock_guard lock(mutex_);
  return requested_ ? reason_ : StopReason::interrupted;
}

std::string StopSignal::message() const {
  const std::lock_guard lock(mutex_);
  if (requested_) return message_;
  switch (signal_) {
    case 0:
      return "";
    case SIGTERM:
      return "asked to end (SIGTERM)";
    case SIGHUP:
      return "asked to end (SIGHUP: its terminal is gone)";
    default:
      return "Ctrl-C";
  }
}

double Score::metric() const { return metrics.empty() ? NAN : metrics.front(); }

Goal goal_of(bool by_loss, const std::vector<Metric>& metrics) {
  if (by_loss || metrics.empty()) return Goal::lower_loss;
  return metrics.front().larger_is_better ? Goal::higher_metric : Goal::lower_metric;
}

std::optional<double> improvement(const Score& score, Goal goal, const std::optional<double>& best,
                                  double margin) {
  const double value = goal == Goal::lower_loss      ? -score.loss
                       : goal == Goal::higher_metric ? score.metric()
                                                     : -score.metric();
  const bool better =
      std::isfinite(score.loss) && std::isfinite(value) && (!best || value > *best + margin);
  return better ? std::optional(value) : std::nullopt;
}

}  // namespace onecycle
