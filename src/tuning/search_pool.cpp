#include "tuning/search_pool.h"

#include "onecycle/error.h"

#include "core/format.h"
#include "tuning/study_queue.h"

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace onecycle {

namespace {

constexpr const char* kLog = ".log";
constexpr const char* kThisProgram = "/proc/self/exe";  // also where its file was replaced

std::string last_line_of(const std::string& path) {
  std::ifstream file(path);
  std::string last;
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) last = line;
  return last;
}

// What a child starts with: its output in a file, a process group, no signal blocked.
class SpawnSettings {
 public:
  explicit SpawnSettings(const std::string& log) {
    posix_spawn_file_actions_init(&files_);
    posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files_, STDOUT_FILENO, log.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0644);
    posix_spawn_file_actions_adddup2(&files_, STDOUT_FILENO, STDERR_FILENO);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes_, 0);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  const posix_spawn_file_actions_t* files() const { return &files_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t files_;
  posix_spawnattr_t attributes_;
};

}  // namespace

WorkerPool::~WorkerPool() {
  signal(SIGKILL);
  for (const Worker& worker : running_) ::waitpid(worker.pid, nullptr, 0);
}

void WorkerPool::start() {
  const std::int64_t number = WorkerLock::unused(folder_);
  std::vector<std::string> arguments = arguments_(number);
  arguments.insert(arguments.begin(), "onecycle");
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const SpawnSettings settings(worker_path(folder_, number, kLog));
  pid_t pid = -1;
  const int result = ::posix_spawn(&pid, kThisProgram, settings.files(), settings.attributes(),
                                   argv.data(), environ);
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
    end.last_words = last_line_of(worker_path(folder_, worker->number, kLog));
    running_.erase(worker);
    return end;
  }
  return std::nullopt;
}

}  // namespace onecycle
