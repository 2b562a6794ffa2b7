#pragma once

#include "onecycle/events.h"

namespace onecycle {

// While one lives, SIGINT and SIGTERM end the run in order (a second one ends the program at once)
// and SIGUSR1 asks for a checkpoint.
class SignalScope {
 public:
  explicit SignalScope(StopSignal& stop);
  ~SignalScope();
  SignalScope(const SignalScope&) = delete;
  SignalScope& operator=(const SignalScope&) = delete;
};

}  // namespace onecycle
