#include "cli/fit_batch_child.h"

#include "onecycle/error.h"

#include "core/format.h"
#include "core/json_text.h"
#include "core/spawn.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>

namespace onecycle {

namespace {

using Clock = std::chrono::steady_clock;

// A running child, whose output comes through a pipe. It is ended with this object.
class Child {
 public:
  Child(const std::string& request, bool progress) {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw Error("no pipe to a child process");
    Spawn child;
    child.arguments = {"fit-batch", "--child", request};
    child.output = pipe[1];
    child.errors_too = !progress;
    child.leads_a_group = false;  // Ctrl-Z stops it too
    const int failed = spawn_self(child, pid_);
    ::close(pipe[1]);
    out_ = pipe[0];
    if (failed == 0) return;
    ::close(out_);
    throw Error(format("no child process: {}", std::strerror(failed)));
  }
  ~Child() {
    if (pid_ > 0) wait(/*end_it=*/true);
    ::close(out_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Waits for output until `deadline`, 0.2 s at most. Returns false at its end.
  bool read(std::string& text, Clock::time_point deadline) const {
    pollfd ready{out_, POLLIN, 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (::poll(&ready, 1, static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 200))) <= 0)
      return true;
    std::array<char, 4096> bytes{};
    const auto count = ::read(out_, bytes.data(), bytes.size());
    if (count > 0) text.append(bytes.data(), static_cast<std::size_t>(count));
    return count > 0 || (count < 0 && errno == EINTR);
  }

  // Returns the status of waitpid.
  int wait(bool end_it) {
    if (end_it) ::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_ = -1;
  int out_ = -1;
};

std::string death_of(int status) {
  if (!WIFSIGNALED(status)) return format("ended with exit code {}", WEXITSTATUS(status));
  const char* name = strsignal(WTERMSIG(status));
  return format("ended by signal {} ({})", WTERMSIG(status), name != nullptr ? name : "?");
}

void take(const std::string& line, ChildOutcome& outcome) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    if (!line.empty()) outcome.why = line;
    return;
  }
  const std::string event = json.value("event", "");
  if (event == "built") outcome.built = json;
  if (event == "result") outcome.result = json;
  if (event == "failed") outcome.why = json.value("message", "");
  if (event != "error") return;
  const std::string message = json.value("message", "");
  if (json.value("exit_code", 1) == 2) throw RecipeError(message);
  throw Error(message);
}

}  // namespace

ChildOutcome run_child(const Json& request, std::optional<double> seconds, bool progress,
                       const StopSignal& stop) {
  const auto deadline =
      Clock::now() + std::chrono::milliseconds(std::llround(1e3 * seconds.value_or(1e9)));
  Child child(json_text(request), progress);
  ChildOutcome outcome;
  std::string text;
  bool late = false;
  while (!stop.requested() && !late && child.read(text, deadline)) late = Clock::now() >= deadline;
  if (stop.requested()) throw FitBatchInterrupted{stop.signal_number()};
  const int status = child.wait(late);
  // The terminal's Ctrl-C reaches the child too.
  if (stop.requested()) throw FitBatchInterrupted{stop.signal_number()};
  for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
    end = std::min(text.find('\n', begin), text.size());
    take(text.substr(begin, end - begin), outcome);
  }
  if (!outcome.result.is_null()) return outcome;
  if (late) outcome.why = format("it took longer than {:.4g} s", *seconds);
  if (outcome.why.empty() || WIFSIGNALED(status)) {
    if (!late) outcome.why = death_of(status);
  }
  return outcome;
}

}  // namespace onecycle
