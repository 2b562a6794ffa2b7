// The program that a user starts. It answers what needs no LibTorch, prepares what must stand
// before that is loaded and becomes the engine, libexec/onecycle beside it.

#include "core/process.h"
#include "front/help.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <string>
#include <unistd.h>

namespace onecycle {

namespace {

constexpr const char* kEngine = "libexec/onecycle";

// Empty where there is no /proc.
std::string own_path() {
  char path[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
  return {path, length > 0 ? static_cast<std::size_t>(length) : 0};
}

int become_engine(char** argv) {
  const std::string self = own_path();
  const std::string engine = self.substr(0, self.rfind('/') + 1) + kEngine;
  ::execv(engine.c_str(), argv);
  std::fprintf(stderr,
               "onecycle: %s, which belongs to this program, cannot be started: %s; build it again "
               "or keep both together\n",
               engine.c_str(), std::strerror(errno));
  return 1;
}

int print_answer(const std::string& answer, int exit_code) {
  std::fputs(answer.c_str(), stdout);
  if (std::fflush(stdout) == 0) return exit_code;
  std::fprintf(stderr, "onecycle: writing to stdout failed: %s\n", std::strerror(errno));
  return 1;
}

}  // namespace

int run_front_end(int argc, char** argv) {
  const std::string answer = answer_without_command(argc > 1 ? argv[1] : nullptr);
  return answer.empty() ? become_engine(argv) : print_answer(answer, argc > 1 ? 0 : 2);
}

}  // namespace onecycle

int main(int argc, char** argv) {
  onecycle::prepare_process();
  return onecycle::run_front_end(argc, argv);
}
