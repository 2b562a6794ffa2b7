#pragma once

#include <csignal>
#include <vector>

namespace onecycle {

sigset_t set_of(const std::vector<int>& signals);
bool is_ignored(int signal);

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

// Where a library writes to sockets with write(): the other end's going away is an error, not the
// end of the process. gloo, libuv (the store of ranks), NCCL and OpenSSL do so; under Python, which
// ignores SIGPIPE, nobody notices.
class NoBrokenPipes : public BlockedSignals {
 public:
  NoBrokenPipes() : BlockedSignals(set_of({SIGPIPE})) {}
};

}  // namespace onecycle
