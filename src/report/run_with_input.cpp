#include "core/process/child_process.h"
#include "core/text/format.h"
#include "report/figures/gnuplot.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/mman.h>

namespace onecycle {

ProgramResult run_with_input(const std::string& program, const std::vector<std::string>& arguments,
                             const std::string& input, int seconds) {
  using Clock = ChildProcess::Clock;
  ProgramResult result;
  const FileDescriptor in(::memfd_create("input", MFD_CLOEXEC));
  if (!in || !in.write_at(input, 0)) {
    result.failure = format("{} could not be started: {}", program, std::strerror(errno));
    return result;
  }
  ChildProcess child({.program = program,
                      .arguments = arguments,
                      .input = in.get(),
                      .errors = ChildStart::Errors::nowhere,
                      .leads_a_group = false});
  if (const int why = child.failure(); why != 0) {
    result.failure = why == ENOENT
                         ? program + " is not installed"
                         : format("{} could not be started: {}", program, std::strerror(why));
    return result;
  }
  const auto deadline = Clock::now() + std::chrono::seconds(seconds);
  bool in_time = true;
  while (in_time && child.read(result.out, deadline)) in_time = Clock::now() < deadline;
  if (!in_time) child.signal(SIGKILL);
  child.wait();
  if (!in_time) {
    result.failure = format("{} took more than {} s", program, seconds);
  } else if (child.exit_code() != 0) {
    result.failure = program + " failed";
  }
  return result;
}

}  // namespace onecycle
