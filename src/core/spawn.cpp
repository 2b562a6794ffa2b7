#include "core/spawn.h"

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

extern char** environ;

namespace onecycle {

namespace {

constexpr const char* kThisProgram = "/proc/self/exe";

// They point into `texts`.
std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

int spawn_self(const Spawn& child, pid_t& pid) {
  std::vector<std::string> arguments = child.arguments;
  arguments.insert(arguments.begin(), "onecycle");
  std::vector<std::string> environment = child.environment;

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  if (child.output >= 0) {
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, child.output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, child.output, STDERR_FILENO);
  }
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setsigmask(&attributes, &child.blocked);
  const int result =
      ::posix_spawn(&pid, kThisProgram, &files, &attributes, pointers_to(arguments).data(),
                    environment.empty() ? environ : pointers_to(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return result;
}

}  // namespace onecycle
