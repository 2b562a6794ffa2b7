// The program that a user starts. It prepares what must stand before LibTorch is loaded and becomes
// the engine, libexec/onecycle beside it.

#include "core/process.h"

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

}  // namespace

}  // namespace onecycle

int main(int, char** argv) {
  onecycle::prepare_process();
  return onecycle::become_engine(argv);
}
