#include "core/spawn.h"

#include <fcntl.h>
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

SpawnAttributes::SpawnAttributes(Program program) : flags_(POSIX_SPAWN_SETSIGMASK) {
  posix_spawnattr_init(&attributes_);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes_, &signals);
  if (program == Program::another) {
    for (const int number : {SIGUSR1, SIGXFSZ}) sigaddset(&signals, number);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    flags_ |= POSIX_SPAWN_SETSIGDEF;
  }
  posix_spawnattr_setflags(&attributes_, flags_);
}

SpawnAttributes::~SpawnAttributes() { posix_spawnattr_destroy(&attributes_); }

void SpawnAttributes::lead_a_group() {
  posix_spawnattr_setpgroup(&attributes_, 0);
  flags_ |= POSIX_SPAWN_SETPGROUP;
  posix_spawnattr_setflags(&attributes_, flags_);
}

int spawn_self(const Spawn& child, pid_t& pid) {
  std::vector<std::string> arguments = child.arguments;
  arguments.insert(arguments.begin(), "onecycle");
  std::vector<std::string> environment = child.environment;

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  if (child.output >= 0) {
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, child.output, STDOUT_FILENO);
    if (child.errors_too) posix_spawn_file_actions_adddup2(&files, child.output, STDERR_FILENO);
  }
  SpawnAttributes attributes(SpawnAttributes::Program::this_one);
  if (child.leads_a_group) attributes.lead_a_group();
  const int result =
      ::posix_spawn(&pid, kThisProgram, &files, attributes.get(), pointers_to(arguments).data(),
                    environment.empty() ? environ : pointers_to(environment).data());
  posix_spawn_file_actions_destroy(&files);
  return result;
}

}  // namespace onecycle
