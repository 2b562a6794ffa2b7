#include "core/process/child_process.h"

#include "core/process/blocked_signals.h"
#include "core/process/this_process.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <limits>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

extern char** environ;

namespace onecycle {

namespace {

// They point into `texts`.
std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

void set_streams(const ChildStart& start, int output, posix_spawn_file_actions_t& files) {
  if (start.own_streams) return;
  if (start.input < 0)
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  else
    posix_spawn_file_actions_adddup2(&files, start.input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  if (start.errors == ChildStart::Errors::with_output)
    posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
  if (start.errors == ChildStart::Errors::nowhere)
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
}

void set_attributes(const ChildStart& start, posix_spawnattr_t& attributes) {
  int flags = POSIX_SPAWN_SETSIGMASK;
  const sigset_t none = set_of({});
  posix_spawnattr_setsigmask(&attributes, &none);
  if (!start.program.empty()) {
    const sigset_t ignored_here = set_of({SIGUSR1, SIGXFSZ});
    posix_spawnattr_setsigdefault(&attributes, &ignored_here);
    flags |= POSIX_SPAWN_SETSIGDEF;
  }
  if (start.leads_a_group) flags |= POSIX_SPAWN_SETPGROUP;  // of its own number, if none is set
  posix_spawnattr_setflags(&attributes, static_cast<short>(flags));
}

// Returns 0 or an errno.
int spawn(const ChildStart& start, int output, pid_t& pid) {
  const bool another = !start.program.empty();
  std::vector<std::string> arguments = start.arguments;
  arguments.insert(arguments.begin(), another ? start.program : program_name());
  std::vector<std::string> environment = start.environment;
  const std::vector<char*> argv = pointers_to(arguments);
  const std::vector<char*> variables = pointers_to(environment);

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  set_streams(start, output, files);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  set_attributes(start, attributes);
  const int failure =
      ::posix_spawnp(&pid, another ? start.program.c_str() : "/proc/self/exe", &files, &attributes,
                     argv.data(), environment.empty() ? environ : variables.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return failure;
}

}  // namespace

ChildProcess::ChildProcess(const ChildStart& start) {
  FileDescriptor write_end;
  if (!start.own_streams && start.output < 0) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
      failure_ = errno;
      return;
    }
    output_ = FileDescriptor(ends[0]);
    write_end = FileDescriptor(ends[1]);
  }
  failure_ = spawn(start, write_end ? write_end.get() : start.output, pid_);
  if (failure_ != 0) pid_ = -1;
}

ChildProcess::~ChildProcess() {
  signal(SIGKILL);
  wait();
}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(failure_, other.failure_);
  std::swap(pid_, other.pid_);
  std::swap(status_, other.status_);
  std::swap(output_, other.output_);
  return *this;
}

bool ChildProcess::read(std::string& text, Clock::time_point deadline) const {
  constexpr std::int64_t kLongest = std::numeric_limits<int>::max();
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  pollfd ready{output_.get(), POLLIN, 0};
  if (::poll(&ready, 1, static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, kLongest))) <= 0)
    return true;
  return output_.read(text) > 0;
}

void ChildProcess::signal(int number) const {
  if (running()) ::kill(pid_, number);
}

bool ChildProcess::just_ended() { return collect(WNOHANG); }

void ChildProcess::wait() { collect(0); }

bool ChildProcess::collect(int options) {
  pid_t ended = -1;
  if (!running()) return false;
  do {
    ended = ::waitpid(pid_, &status_, options);
  } while (ended < 0 && errno == EINTR);
  const bool over = ended == pid_ || options == 0;
  if (over) pid_ = -1;
  return over;
}

int ChildProcess::killed_by() const { return WIFSIGNALED(status_) ? WTERMSIG(status_) : 0; }

int ChildProcess::exit_code() const {
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + killed_by();
}

}  // namespace onecycle
