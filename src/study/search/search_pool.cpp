#include "study/search/search_pool.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "study/search/study_queue.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>

namespace onecycle {

namespace {

constexpr const char* kLog = ".log";

// The last line of a log; `warn` is told its warnings.
std::string read_log(const std::string& path, const WorkerPool::Warn& warn) {
  const std::string kind = "warning: ";
  std::ifstream file(path);
  std::string last;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) last = line;
    if (line.starts_with(kind)) warn(line.substr(kind.size()));
  }
  return last;
}

}  // namespace

void WorkerPool::start() {
  Worker worker{WorkerLock::unused(folder_)};
  const std::vector<std::string> arguments = arguments_(worker.number);
  const FileDescriptor log(worker_path(folder_, worker.number, kLog), O_WRONLY | O_CREAT | O_TRUNC);
  int why = errno;
  if (log) {
    worker.process = ChildProcess({.arguments = arguments, .output = log.get()});
    why = worker.process.failure();
  }
  if (why != 0) throw Error(format("a worker cannot be started: {}", std::strerror(why)));
  running_.push_back(std::move(worker));
}

void WorkerPool::signal(int number) const {
  for (const Worker& worker : running_) worker.process.signal(number);
}

std::optional<WorkerEnd> WorkerPool::ended() {
  for (auto worker = running_.begin(); worker != running_.end(); ++worker) {
    if (!worker->process.just_ended()) continue;
    WorkerEnd end{worker->number, worker->process.exit_code(), worker->process.killed_by() != 0,
                  read_log(worker_path(folder_, worker->number, kLog), warn_)};
    running_.erase(worker);
    return end;
  }
  return std::nullopt;
}

}  // namespace onecycle
