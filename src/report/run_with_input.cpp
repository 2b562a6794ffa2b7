#include "core/format.h"
#include "core/spawn.h"
#include "report/gnuplot.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace onecycle {

namespace {

using Clock = std::chrono::steady_clock;

class Handle {
 public:
  explicit Handle(int value = -1) : value_(value) {}
  ~Handle() { close(); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  void close() {
    if (value_ >= 0) ::close(value_);
    value_ = -1;
  }
  int get() const { return value_; }

 private:
  int value_;
};

// The text as a file without a name, at its beginning; false where that fails.
bool fill(const Handle& file, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const auto count = ::write(file.get(), text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return ::lseek(file.get(), 0, SEEK_SET) == 0;
}

// Everything until the other end is closed; false past the deadline.
bool read_until(const Handle& pipe, Clock::time_point deadline, std::string& out) {
  for (char bytes[65536];;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd waited{pipe.get(), POLLIN, 0};
    if (left <= 0) return false;
    if (::poll(&waited, 1, static_cast<int>(left)) <= 0) continue;
    const auto count = ::read(pipe.get(), bytes, sizeof bytes);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return true;
    out.append(bytes, static_cast<std::size_t>(count));
  }
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return status;
}

int spawn(pid_t& pid, const std::string& program, std::vector<std::string> arguments, int in,
          int out) {
  arguments.insert(arguments.begin(), program);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  const SpawnAttributes attributes(SpawnAttributes::Program::another);
  const int error =
      posix_spawnp(&pid, program.c_str(), &files, attributes.get(), argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  return error;
}

}  // namespace

ProgramResult run_with_input(const std::string& program, const std::vector<std::string>& arguments,
                             const std::string& input, int seconds) {
  ProgramResult result;
  const Handle in(::memfd_create("input", MFD_CLOEXEC));
  int ends[2];
  if (in.get() < 0 || !fill(in, input) || ::pipe2(ends, O_CLOEXEC) != 0) {
    result.failure = format("{} could not be started: {}", program, std::strerror(errno));
    return result;
  }
  const Handle out(ends[0]);
  Handle child_end(ends[1]);
  pid_t pid = -1;
  const int error = spawn(pid, program, arguments, in.get(), child_end.get());
  child_end.close();
  if (error != 0) {
    result.failure = error == ENOENT
                         ? program + " is not installed"
                         : format("{} could not be started: {}", program, std::strerror(error));
    return result;
  }
  const bool in_time = read_until(out, Clock::now() + std::chrono::seconds(seconds), result.out);
  if (!in_time) ::kill(pid, SIGKILL);
  const int status = wait_for(pid);
  if (!in_time) {
    result.failure = format("{} took more than {} s", program, seconds);
  } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    result.failure = program + " failed";
  }
  return result;
}

}  // namespace onecycle
