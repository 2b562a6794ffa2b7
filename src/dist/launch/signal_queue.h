#pragma once

#include "core/process/blocked_signals.h"
#include "core/process/file_descriptor.h"

#include <vector>

namespace onecycle {

// While one lives, these signals wait in a queue, in this thread and those that it starts.
class SignalQueue {
 public:
  explicit SignalQueue(const std::vector<int>& signals);
  ~SignalQueue();
  SignalQueue(const SignalQueue&) = delete;
  SignalQueue& operator=(const SignalQueue&) = delete;

  int descriptor() const { return queue_.get(); }  // readable when one came
  int next();                                      // 0 where none is left

 private:
  BlockedSignals blocked_;
  FileDescriptor queue_;
};

}  // namespace onecycle
