#include "cli/process.h"

#include "core/files/mapped_file.h"
#include "core/process/processors.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

#include <ATen/Parallel.h>

namespace onecycle {

namespace {

// The kernel cannot say so by an errno, as there was no call.
void say(const char* text) {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text, std::strlen(text));
}

// Only what is safe in a signal handler. It does not return, so that whatever stack the thread was
// on may be written over.
void end_program(int, siginfo_t* info, void*) {
  const char* path = MappedFile::path_at(info->si_addr);
  if (path == nullptr) return;  // by now the default: what is tried again ends the program
  say("onecycle: ");
  say(path);
  say(": was cut short, or became unreadable, while in use; rerun with a file that does not "
      "change\n");
  ::_exit(1);
}

}  // namespace

void explain_bus_errors() {
  struct sigaction action {};
  action.sa_sigaction = end_program;
  action.sa_flags = SA_SIGINFO | SA_RESETHAND | SA_ONSTACK;
  ::sigaction(SIGBUS, &action, nullptr);
}

void heed_cpu_quota() {
  if (std::getenv("OMP_NUM_THREADS") != nullptr || !cpu_quota()) return;
  const auto paid_for = static_cast<int>(usable_processors());
  if (paid_for < at::get_num_threads()) at::set_num_threads(paid_for);
}

void end_without_memory(int exit_code) {
  std::fflush(nullptr);
  ::_exit(exit_code);
}

}  // namespace onecycle
