#pragma once

#include <csignal>
#include <spawn.h>
#include <string>
#include <sys/types.h>
#include <vector>

namespace onecycle {

// How every child starts, whatever this process does with its own signals: none is blocked. What
// this program ignores (core/process.h) another one finds at its default.
class SpawnAttributes {
 public:
  enum class Program { this_one, another };

  explicit SpawnAttributes(Program program);
  ~SpawnAttributes();
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;

  // A process group of its own: a Ctrl-C reaches the child through this process alone.
  void lead_a_group();
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
  short flags_;
};

// A child process of this program.
struct Spawn {
  std::vector<std::string> arguments;    // without the program's name
  std::vector<std::string> environment;  // NAME=value, all of it; empty: this process's
  int output = -1;         // of the child's stdout, with no input; -1: this process's own three
  bool errors_too = true;  // stderr goes there too
  bool leads_a_group = true;
};

// Starts it, also where this program's file was replaced. Returns 0 or an errno.
int spawn_self(const Spawn& child, pid_t& pid);

}  // namespace onecycle
