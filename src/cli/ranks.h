#pragma once

#include "cli/command.h"
#include "dist/rank_session.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace onecycle {

// --ranks and --max-restarts.
void add_ranks(CommandLine& line);

enum class RanksAre {
  one_run,  // lost together
  workers,  // of rank 0, which goes on without one that is lost
};

// Where --ranks was given: runs this program as so many ranks, with the same arguments otherwise,
// and returns their exit code. Nothing where the command is to run in this process, alone or as
// the rank that its environment says it is. The first thing after parse(): before any thread, any
// ATen and any CUDA call. Throws UsageError.
std::optional<int> launch_ranks(const CommandLine& line, int argc, char** argv,
                                RanksAre ranks = RanksAre::one_run);

// This process's part in a group, from here to the end of the command.
class RankScope {
 public:
  // Joins the ranks that a launcher started, or is alone. On a rank beside the first `line` says
  // nothing from here on. Waits for the others; throws DistError, UsageError.
  RankScope(CommandLine& line, DeviceChoice device);

  const std::shared_ptr<Group>& group() const { return group_; }
  // Where a launcher that starts all ranks again lets them go on.
  void announce_folder(const std::string& folder);

 private:
  std::optional<RankSession> session_;  // nothing where no launcher started it
  std::shared_ptr<Group> group_;
};

// The folder that a restarted rank is to go on in; "" where it was not restarted.
std::string folder_to_resume();

// Alone, on the GPU that is this process's among the ranks of its machine.
std::shared_ptr<Group> alone_in_place();

// How many GPUs this machine shows to the program, found without CUDA.
std::int64_t num_gpus();

}  // namespace onecycle
