// The program that a user starts. It answers what needs no LibTorch, prepares what must stand
// before that is loaded and becomes the engine, libexec/onecycle beside it.

#include "core/process/this_process.h"
#include "front/engine.h"
#include "front/help.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <string>
#include <unistd.h>

namespace onecycle {

namespace {

constexpr int kBadUsage = 2;

// Before what is there.
void prepend_to_library_path(const std::string& folders) {
  constexpr const char* kName = "LD_LIBRARY_PATH";
  const char* before = std::getenv(kName);
  const bool any = before != nullptr && *before != '\0';
  ::setenv(kName, (any ? folders + ":" + before : folders).c_str(), /*replace=*/1);
}

int become_engine(char** argv) {
  std::error_code none;  // without /proc
  const auto self = std::filesystem::read_symlink("/proc/self/exe", none);
  try {
    const Engine engine = find_engine(self);
    if (!engine.library_path.empty()) prepend_to_library_path(engine.library_path);
    ::execv(engine.program.c_str(), argv);
    std::fprintf(stderr, "onecycle: %s cannot be started: %s\n", engine.program.c_str(),
                 std::strerror(errno));
    return 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "onecycle: %s\n", error.what());
    return kBadUsage;
  }
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
  return answer.empty() ? become_engine(argv) : print_answer(answer, argc > 1 ? 0 : kBadUsage);
}

}  // namespace onecycle

int main(int argc, char** argv) {
  onecycle::prepare_process();
  onecycle::set_program_name(argc > 0 ? argv[0] : nullptr);
  return onecycle::run_front_end(argc, argv);
}
