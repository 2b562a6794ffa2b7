#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace onecycle {

// Processors' worth of time that the cgroup of this process, and those around it, may use; nothing
// where they may use all. `groups` is text as in /proc/self/cgroup, `root` where the hierarchies of
// version 2, or of version 1 by controller, are mounted.
std::optional<double> cpu_quota(const std::string& groups, const std::string& root);
std::optional<double> cpu_quota();

// Processors that this process may run on, no more than its quota pays for. At least 1.
std::int64_t usable_processors();

// Of each of `processes` that share them. At least 1.
std::int64_t share_of_processors(std::int64_t processes);

// Of a thread, in seconds since it began.
struct RunQueueTimes {
  double running = 0;
  double waiting = 0;  // ready to run, while no processor was free for it
};

// Of the calling thread. Nothing where the kernel does not count it.
std::optional<RunQueueTimes> run_queue_times();

// Of all threads of this process, by their numbers. Empty where the kernel does not count it.
std::map<int, RunQueueTimes> run_queue_times_of_threads();

}  // namespace onecycle
