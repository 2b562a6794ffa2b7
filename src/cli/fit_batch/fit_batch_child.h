#pragma once

#include "onecycle/events.h"

#include "core/text/json.h"

#include <optional>
#include <string>

namespace onecycle {

// Ctrl-C or SIGTERM, while a child was waited for.
struct FitBatchInterrupted {
  int signal_number = 0;
};

// What a child that measures one batch size came to. One that dies is a result like any other.
struct ChildOutcome {
  Json built;   // {train_samples, limit_bytes, metric as add_metric() says it}; null where it did
                // not get that far
  Json result;  // null where there is none
  std::string why;  // there is none: its last words, its signal, or its time
};

// Runs this program again as the child that `request` describes (fit_batch_measure.cpp), and ends
// it after `seconds`. Its stderr is passed through where `progress`, and swallowed otherwise.
// Throws Error for what the child found wrong with the recipe or the data, FitBatchInterrupted.
ChildOutcome run_child(const Json& request, std::optional<double> seconds, bool progress,
                       const StopSignal& stop);

// Whether a command's words, its name first, are those of such a child.
bool is_measuring_child(int argc, char** argv);

// The child's side: prints the events of its work, one JSON object a line. Returns the exit code.
int measure_in_child(const char* request);

}  // namespace onecycle
