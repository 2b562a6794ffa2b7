#pragma once

#include <map>
#include <optional>

namespace onecycle {

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
