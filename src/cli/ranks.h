#pragma once

#include "cli/command.h"

#include <cstdint>
#include <optional>

namespace onecycle {

// --ranks and --max-restarts.
void add_ranks(CommandLine& line);

// Where --ranks was given: runs this program as so many ranks, with the same arguments otherwise,
// and returns their exit code. Nothing where the command is to run in this process, alone or as
// the rank that its environment says it is. The first thing after parse(): before any thread, any
// ATen and any CUDA call. Throws UsageError.
std::optional<int> launch_ranks(const CommandLine& line, int argc, char** argv);

// How many GPUs this machine shows to the program, found without CUDA.
std::int64_t num_gpus();

}  // namespace onecycle
