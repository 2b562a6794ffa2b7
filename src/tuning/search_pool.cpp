#include "tuning/search_pool.h"

#include "onecycle/error.h"

#include "core/format.h"
#include "core/spawn.h"
#include "tuning/study_queue.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

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

// For writing, or -1.
int open_log(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
}

}  // namespace

WorkerPool::~WorkerPool() {
  signal(SIGKILL);
  for (const Worker& worker : running_) ::waitpid(worker.pid, nullptr, 0);
}

void WorkerPool::start() {
  const std::int64_t number = WorkerLock::unused(folder_);
  Spawn worker;
  worker.arguments = arguments_(number);
  const int log = worker.output = open_log(worker_path(folder_, number, kLog));
  pid_t pid = -1;
  const int result = log < 0 ? errno : spawn_self(worker, pid);
  if (log >= 0) ::close(log);
  if (result != 0) throw Error(format("a worker cannot be started: {}", std::strerror(result)));
  running_.push_back({number, pid});
}

void WorkerPool::signal(int number) const {
  for (const Worker& worker : running_) ::kill(worker.pid, number);
}

std::optional<WorkerEnd> WorkerPool::ended() {
  for (auto worker = running_.begin(); worker != running_.end(); ++worker) {
    int status = 0;
    if (::waitpid(worker->pid, &status, WNOHANG) != worker->pid) continue;
    WorkerEnd end;
    end.worker = worker->number;
    end.by_signal = WIFSIGNALED(status);
    end.exit_code = end.by_signal ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    end.last_words = read_log(worker_path(folder_, worker->number, kLog), warn_);
    running_.erase(worker);
    return end;
  }
  return std::nullopt;
}

}  // namespace onecycle
