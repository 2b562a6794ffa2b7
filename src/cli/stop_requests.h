#pragma once

#include <chrono>
#include <set>
#include <sys/types.h>

namespace onecycle {

// Which requests to stop end the program at once instead of in order: the second of SIGINT and
// SIGTERM. What other senders add within a few seconds is the first request again: a service
// manager signals every process of a service, and the launcher among them passes on what it got. A
// terminal that goes away is told by several SIGHUPs.
class StopRequests {
 public:
  using Clock = std::chrono::steady_clock;

  // `sender`: a process, 0 for the terminal.
  bool ends_at_once(int number, pid_t sender, Clock::time_point now);

 private:
  std::set<pid_t> senders_;
  Clock::time_point first_;
};

}  // namespace onecycle
