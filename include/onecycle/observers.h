#pragma once

#include "onecycle/events.h"

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

// Observers of a run, for Experiment::observe and Trainer::observe.
namespace onecycle {

// A line an evaluation and, where `out` is a terminal, a bar that is redrawn in place; elsewhere a
// plain line every ten seconds.
std::shared_ptr<Observer> progress(std::FILE* out = stderr);

// steps.csv, a row a log point, and metrics.csv, a row an evaluation, in a folder that exists;
// their `step` is the number of steps done. Throws Error where the files cannot be made.
std::shared_ptr<Observer> csv(const std::string& folder, const std::vector<Metric>& metrics);

// What counts as an improvement, and how long to wait for one.
struct EarlyStopOptions {
  std::int64_t patience = 5;  // evaluations without an improvement
  double min_delta = 0;       // a smaller gain does not count
  bool by_loss = true;        // else by the task's first metric
};
// Ends a run whose score on held-out samples no longer improves.
std::shared_ptr<Observer> early_stop(const EarlyStopOptions& options = {});

// Calls a function; on the thread that trains.
std::shared_ptr<Observer> on_log_point(std::function<void(const LogPoint&, StopSignal&)> call);
// The same after each evaluation.
std::shared_ptr<Observer> on_evaluated(std::function<void(const Evaluated&, StopSignal&)> call);

}  // namespace onecycle
