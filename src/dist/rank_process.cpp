#include "dist/rank_process.h"

#include "onecycle/error.h"

#include "core/format.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace onecycle {

namespace {

constexpr const char* kThisProgram = "/proc/self/exe";  // also where its file was replaced

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

class SpawnSettings {
 public:
  // `output`: -1 leaves the launcher's input and output to the rank.
  SpawnSettings(int output, const sigset_t& signals) {
    posix_spawn_file_actions_init(&files_);
    if (output >= 0) {
      posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
      posix_spawn_file_actions_adddup2(&files_, output, STDOUT_FILENO);
      posix_spawn_file_actions_adddup2(&files_, output, STDERR_FILENO);
    }
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setsigmask(&attributes_, &signals);
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

RankProcess::RankProcess(const RankStart& start)
    : rank_(start.rank), output_(format("[rank {}] ", start.rank), Descriptor()) {
  Descriptor write_end;
  if (rank_ != 0) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      throw Error(format("rank {} cannot be started: {}", rank_, std::strerror(errno)));
    output_ = RankOutput(format("[rank {}] ", rank_), Descriptor(ends[0]));
    write_end = Descriptor(ends[1]);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  }
  std::vector<std::string> arguments = start.arguments;
  arguments.insert(arguments.begin(), "onecycle");
  std::vector<std::string> environment = start.environment;
  const SpawnSettings settings(write_end.get(), start.signals);
  const int result = ::posix_spawn(&pid_, kThisProgram, settings.files(), settings.attributes(),
                                   pointers_to(arguments).data(), pointers_to(environment).data());
  if (result != 0)
    throw Error(format("rank {} cannot be started: {}", rank_, std::strerror(result)));
}

RankProcess::~RankProcess() {
  if (!running_) return;
  kill();
  ::waitpid(pid_, nullptr, 0);
}

void RankProcess::signal(int number) const {
  if (running_) ::kill(pid_, number);
}

void RankProcess::kill() {
  signal(SIGKILL);
  by_launcher_ = by_launcher_ || running_;
}

bool RankProcess::just_ended() {
  int status = 0;
  if (!running_ || ::waitpid(pid_, &status, WNOHANG) != pid_) return false;
  running_ = false;
  killed_by_ = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + killed_by_;
  by_launcher_ = by_launcher_ && killed_by_ == SIGKILL;
  return true;
}

}  // namespace onecycle
