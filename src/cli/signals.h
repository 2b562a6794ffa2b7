#pragma once

#include "onecycle/events.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <set>
#include <sys/types.h>
#include <thread>

namespace onecycle {

// The thread that takes the program's signals: SIGINT, SIGTERM, SIGHUP unless it is ignored (nohup)
// and SIGUSR1. They are blocked in every thread, and no signal has a handler: oneDNN multiplies
// with the stack pointer inside its workspace, where a handler would write.
//
// Without a SignalScope the first three end the program as they do by default, and SIGUSR1, which
// finds nothing to save, does nothing. To be made once, in main, before any other thread is
// started.
class SignalThread {
 public:
  SignalThread();
  ~SignalThread();
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

 private:
  friend void leave_signals_alone();

  void take();
  void end();

  sigset_t before_{};
  sigset_t taken_{};
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

// Ends the thread: from here on its signals wait, blocked, for a caller that takes them itself.
void leave_signals_alone();

// While one lives, SIGINT, SIGTERM and SIGHUP end the run in order (StopRequests says which do so
// at once) and SIGUSR1 asks for a checkpoint.
class SignalScope {
 public:
  explicit SignalScope(StopSignal& stop);
  ~SignalScope();
  SignalScope(const SignalScope&) = delete;
  SignalScope& operator=(const SignalScope&) = delete;
};

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
