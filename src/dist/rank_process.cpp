#include "dist/rank_process.h"

#include "onecycle/error.h"

#include "core/format.h"
#include "core/spawn.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace onecycle {

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
  const int result = spawn_self({start.arguments, start.environment, write_end.get()}, pid_);
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
