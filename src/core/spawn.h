#pragma once

#include <csignal>
#include <string>
#include <sys/types.h>
#include <vector>

namespace onecycle {

// How a child process of this program starts: in a process group of its own, so that a Ctrl-C
// reaches it through this process alone.
struct Spawn {
  std::vector<std::string> arguments;    // without the program's name
  std::vector<std::string> environment;  // NAME=value, all of it; empty: this process's
  int output = -1;  // of the child's stdout and stderr, with no input; -1: this process's own three
  sigset_t blocked{};  // signals; none
};

// Starts it, also where this program's file was replaced. Returns 0 or an errno.
int spawn_self(const Spawn& child, pid_t& pid);

}  // namespace onecycle
