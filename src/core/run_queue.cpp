#include "core/run_queue.h"

#include <fstream>

namespace onecycle {

std::optional<RunQueueTimes> run_queue_times() {
  constexpr double kSecond = 1e9;  // in the file's unit
  std::ifstream file("/proc/thread-self/schedstat");
  RunQueueTimes times;
  if (!(file >> times.running >> times.waiting) || times.running <= 0) return std::nullopt;
  times.running /= kSecond;
  times.waiting /= kSecond;
  return times;
}

}  // namespace onecycle
