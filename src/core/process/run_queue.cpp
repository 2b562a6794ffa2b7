#include "core/process/run_queue.h"

#include <filesystem>
#include <fstream>
#include <string>

namespace onecycle {

namespace {

std::optional<RunQueueTimes> times_in(const std::string& folder) {
  constexpr double kSecond = 1e9;  // in the file's unit
  std::ifstream file(folder + "/schedstat");
  RunQueueTimes times;
  if (!(file >> times.running >> times.waiting) || times.running <= 0) return std::nullopt;
  times.running /= kSecond;
  times.waiting /= kSecond;
  return times;
}

}  // namespace

std::optional<RunQueueTimes> run_queue_times() { return times_in("/proc/thread-self"); }

std::map<int, RunQueueTimes> run_queue_times_of_threads() {
  std::map<int, RunQueueTimes> all;
  std::error_code gone;  // a thread may end meanwhile
  for (std::filesystem::directory_iterator task("/proc/self/task", gone), end; task != end;
       task.increment(gone)) {
    const std::string folder = task->path().string();
    if (const auto times = times_in(folder))
      all.emplace(std::stoi(task->path().filename().string()), *times);
  }
  return all;
}

}  // namespace onecycle
