#pragma once

#include <csignal>
#include <vector>

namespace onecycle {

sigset_t set_of(const std::vector<int>& signals);

// While one lives, this thread and those that it starts take none of these signals.
class BlockedSignals {
 public:
  BlockedSignals();  // all of them
  explicit BlockedSignals(const sigset_t& signals);
  ~BlockedSignals();
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_{};
};

// For the threads of gloo, NCCL and libuv: they write to sockets with signals, as Python, which
// ignores SIGPIPE, never notices. Where another rank goes away they get an error instead.
class NoBrokenPipes : public BlockedSignals {
 public:
  NoBrokenPipes() : BlockedSignals(set_of({SIGPIPE})) {}
};

}  // namespace onecycle
