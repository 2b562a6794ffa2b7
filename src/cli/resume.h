#pragma once

#include "cli/train_run.h"

#include <string>
#include <vector>

namespace onecycle {

// A run that is to go on: its recipe as it will be, and where it stands.
struct Resumed {
  Recipe recipe;
  RunStart start;
  std::int64_t steps = 0;  // taken
};

// `arguments`: RUN, RECIPE (its latest run) or RECIPE and RUN. The recipe is the run's own, or the
// one given; --set overrides either. Says what changed and which checkpoints were passed over.
// --extend: "" or stretch, hold, new-cycle; needed where the length changed. Rank 0 looks, all
// know. Collective. Throws UsageError, RecipeError, CheckpointError.
Resumed find_run(const std::vector<std::string>& arguments, const Session& session);

// The checkpoint to go on from, rank 0's, with a warning for each that was passed over. Collective.
std::optional<Snapshot> latest_checkpoint(const std::string& folder, const Session& session);

// In a checkpoint's metadata: how many ranks trained.
inline constexpr const char* kRanks = "ranks";
// ... and environment_digest of its recipe, where there is one.
inline constexpr const char* kEnvironment = "environment";

// Says where the machine is another than the checkpoint's.
void compare_machines(const RecipeRun& run, const std::optional<Snapshot>& snapshot,
                      const Console& console);

}  // namespace onecycle
