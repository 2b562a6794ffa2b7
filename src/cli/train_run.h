#pragma once

#include "cli/session.h"

#include <optional>
#include <string>

namespace onecycle {

// Where a run begins: its folder, and the checkpoint to go on from.
struct RunStart {
  std::string folder;
  std::optional<Snapshot> snapshot;
};

struct RunResult {
  RunEnd end;
  int exit_code = 0;
};

// Says what would run.
void describe(const RecipeRun& run, const Console& console);

// The value of --profile, or nothing. Throws UsageError.
std::optional<std::int64_t> profiled_steps(const CommandLine& line);

// Trains in the folder, with everything that watches a run, and says how it ended.
RunResult train_run(RecipeRun& run, const RunStart& start, const Session& session);

}  // namespace onecycle
