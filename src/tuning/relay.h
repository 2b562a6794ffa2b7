#pragma once

#include "onecycle/events.h"

namespace onecycle {

// Hands a signal that one StopSignal got on to the run of another, and one that the run of several
// ranks agreed on back.
class SignalRelay : public Observer {
 public:
  SignalRelay(StopSignal& outer, StopSignal& run) : outer_(outer), run_(run) {}
  void on_batch_end(const BatchEnd&) override {
    if (outer_.signal_number() != 0) run_.interrupt(outer_.signal_number());
  }
  void on_run_end(const RunEnd& end) override {
    if (end.reason == StopReason::interrupted && outer_.signal_number() == 0)
      outer_.interrupt(run_.signal_number());
  }

 private:
  StopSignal& outer_;
  StopSignal& run_;
};

}  // namespace onecycle
