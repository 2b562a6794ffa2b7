#include "core/process/this_process.h"

#include <csignal>
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace onecycle {

namespace {

std::string& name_of_program() {
  static std::string name = "onecycle";
  return name;
}

}  // namespace

const std::string& program_name() { return name_of_program(); }

void set_program_name(const char* typed) {
  if (typed != nullptr && *typed != '\0') name_of_program() = typed;
}

std::string with_program_name(std::string commands) {
  const std::string plain = " onecycle ";
  const std::string started = " " + program_name() + " ";
  for (std::size_t at = 0; (at = commands.find(plain, at)) != std::string::npos;
       at += started.size() - 1)
    commands.replace(at, plain.size(), started);
  return commands;
}

void prepare_process() {
  // In order: the lowest free number is the one that is opened.
  for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; ++standard)
    if (::fcntl(standard, F_GETFD) < 0) (void)::open("/dev/null", O_RDWR);
  std::signal(SIGUSR1, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

void live_no_longer_than(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
}

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

}  // namespace onecycle
