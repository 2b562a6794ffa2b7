#include "core/process/processors.h"

#include "core/files/input_file.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

namespace onecycle {

namespace {

// Of a folder of version 2 ("max 100000", "150000 100000"), or of version 1 (-1 where there is no
// limit).
std::optional<double> limit_in(const std::string& folder) {
  std::istringstream text(text_if_readable(folder + "/cpu.max") + ' ' +
                          text_if_readable(folder + "/cpu.cfs_quota_us") + ' ' +
                          text_if_readable(folder + "/cpu.cfs_period_us"));
  double quota = 0;
  double period = 0;
  if (!(text >> quota >> period) || quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

// The least of the group and those around it. A container sees its own group as the root, while
// /proc may tell the path outside: what is not there limits nothing.
std::optional<double> limit_along(const std::string& root, std::string group) {
  std::optional<double> least;
  for (;;) {
    if (const auto limit = limit_in(root + group)) least = std::min(least.value_or(*limit), *limit);
    const std::size_t slash = group.rfind('/');
    if (slash == std::string::npos) return least;
    group.resize(slash);
  }
}

bool names_cpu(const std::string& controllers) {
  std::istringstream list(controllers);
  for (std::string one; std::getline(list, one, ',');)
    if (one == "cpu") return true;
  return false;
}

}  // namespace

std::optional<double> cpu_quota(const std::string& groups, const std::string& root) {
  std::optional<double> least;
  const auto heed = [&least](std::optional<double> limit) {
    if (limit) least = std::min(least.value_or(*limit), *limit);
  };
  std::istringstream lines(groups);  // number:controllers:path
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) heed(limit_along(root, path));
    if (!names_cpu(controllers)) continue;
    heed(limit_along(root + "/" + controllers, path));
    heed(limit_along(root + "/cpu", path));
  }
  return least;
}

std::optional<double> cpu_quota() {
  return cpu_quota(text_if_readable("/proc/self/cgroup"), "/sys/fs/cgroup");
}

std::int64_t usable_processors() {
  const auto seen = static_cast<double>(std::max(1U, std::thread::hardware_concurrency()));
  return static_cast<std::int64_t>(std::clamp(std::ceil(cpu_quota().value_or(seen)), 1.0, seen));
}

std::int64_t share_of_processors(std::int64_t processes) {
  return std::max<std::int64_t>(1, usable_processors() / processes);
}

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
