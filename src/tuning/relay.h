#pragma once

#include "onecycle/events.h"

namespace onecycle {

// Hands a signal that an outer StopSignal got on to the run it observes.
class SignalRelay : public Observer {
 public:
  explicit SignalRelay(StopSignal& outer) : outer_(outer) {}
  void on_log_point(const LogPoint&, StopSignal& inner) override {
    if (outer_.signal_number() != 0) inner.interrupt(outer_.signal_number());
  }

 private:
  StopSignal& outer_;
};

}  // namespace onecycle
