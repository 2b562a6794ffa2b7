#pragma once

#include <optional>

namespace onecycle {

// Of the calling thread, in seconds since it began.
struct RunQueueTimes {
  double running = 0;
  double waiting = 0;  // ready to run, while no processor was free for it
};

// Nothing where the kernel does not count it.
std::optional<RunQueueTimes> run_queue_times();

}  // namespace onecycle
