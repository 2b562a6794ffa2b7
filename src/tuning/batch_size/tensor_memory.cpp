#include "tuning/batch_size/tensor_memory.h"

#include "onecycle/error.h"

#include <algorithm>
#include <mutex>

#include <c10/core/Allocator.h>

namespace onecycle {

namespace {

constexpr c10::DebugInfoKind kProfiler = c10::DebugInfoKind::PROFILER_STATE;

}  // namespace

class TensorMemory::Counter : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, std::int64_t size, std::size_t, std::size_t,
                         c10::Device device) override {
    if (!device.is_cpu()) return;
    const std::lock_guard lock(mutex_);
    held_ += size;  // below 0 where it is freed
    peak_ = std::max(peak_, held_);
  }
  bool memoryProfilingEnabled() const override { return true; }

  std::int64_t peak() const {
    const std::lock_guard lock(mutex_);
    return peak_;
  }

 private:
  mutable std::mutex mutex_;
  std::int64_t held_ = 0;  // bytes
  std::int64_t peak_ = 0;
};

TensorMemory::TensorMemory()
    : counter_(c10::ThreadLocalDebugInfo::get(kProfiler) == nullptr
                   ? std::make_shared<Counter>()
                   : throw Error("memory cannot be measured under LibTorch's profiler; end it")),
      guard_(kProfiler, counter_) {}

std::int64_t TensorMemory::peak() const { return counter_->peak(); }

}  // namespace onecycle
