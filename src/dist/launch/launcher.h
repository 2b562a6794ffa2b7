#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace onecycle {

struct LaunchOptions {
  std::int64_t ranks = 1;
  std::int64_t max_restarts = 0;       // of all ranks, after one was lost
  std::vector<std::string> arguments;  // of this program, without its name
  bool verbose = false;
  bool workers = false;  // ranks work for rank 0, which goes on without one that is lost
};

// Starts this program as the ranks of one run on this machine, passes signals on to them, and ends
// all when one is lost. Rank 0 has this process's input and output; what others write comes on
// stderr, line by line, after "[rank 1] ". Returns the run's exit code: that of the rank which
// ended it, 1 where that was killed. To be called before any thread is started. Throws Error where
// a process cannot be started.
int launch(const LaunchOptions& options);

// In a process that may be a rank of launch(), first thing: it ends when the launcher does.
void live_with_launcher();

}  // namespace onecycle
