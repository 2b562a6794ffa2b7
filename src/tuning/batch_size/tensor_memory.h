#pragma once

#include <cstdint>
#include <memory>

#include <c10/util/ThreadLocalDebugInfo.h>

namespace onecycle {

// While one lives, counts the tensors in the CPU's memory that this thread allocates and frees, and
// the threads that autograd works on for it. It counts in LibTorch's profiler's place, so nothing
// of the process changes; throws Error where that profiler is at work on this thread.
class TensorMemory {
 public:
  TensorMemory();

  // The most bytes so far that were held at once, beyond what was held when it was made.
  std::int64_t peak() const;

 private:
  class Counter;

  std::shared_ptr<Counter> counter_;
  c10::DebugInfoGuard guard_;
};

}  // namespace onecycle
