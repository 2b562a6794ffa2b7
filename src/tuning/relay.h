#pragma once

#include "onecycle/events.h"

namespace onecycle {

// Hands a signal that one StopSignal got on to the run of another.
class SignalRelay : public Observer {
 public:
  SignalRelay(const StopSignal& from, StopSignal& to) : from_(from), to_(to) {}
  void on_batch_end(const BatchEnd&) override {
    if (from_.signal_number() != 0) to_.interrupt(from_.signal_number());
  }

 private:
  const StopSignal& from_;
  StopSignal& to_;
};

}  // namespace onecycle
