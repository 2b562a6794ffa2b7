#pragma once

#include "onecycle/duration.h"
#include "onecycle/report.h"
#include "onecycle/score.h"

#include "report/run_csv.h"

#include <optional>
#include <string>
#include <vector>

namespace onecycle {

// What a run has left so far; what is missing is empty.
struct RunFiles {
  RunCsv metrics;  // `step` in both: steps done, whatever version the files are
  RunCsv steps;
  RunCsv events;
  // What the columns SPLIT_NAME of `metrics` and `steps` are, beside the losses: as the run says,
  // or, of an older one, by their names.
  std::vector<Metric> kinds;
  std::string recipe;       // YAML
  std::string name;         // the recipe's, or the folder's
  double lr_max = 0;        // the recipe's, or the highest recorded; 0 where neither is known
  bool has_lr_max = false;  // the recipe has one
  std::optional<Duration> duration;  // the recipe's
  Facts origin;                      // run.json's: commands, version, commit, host
};

// Throws Error for a folder without any of them.
RunFiles read_run_files(const std::string& folder);

}  // namespace onecycle
