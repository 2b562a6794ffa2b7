#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>

#include <c10/core/Allocator.h>

namespace onecycle::testing {

// ATen's allocator of main memory with counters around it, whichever it is. What was allocated
// before it was installed is not counted; it stays for the rest of the process.
class CountingAllocator final : public c10::Allocator {
 public:
  static CountingAllocator& install();

  std::int64_t allocations() const { return allocations_; }
  std::int64_t live_bytes() const { return live_; }
  std::int64_t peak_bytes() const { return peak_; }
  void forget_peak() { peak_ = live_; }

  c10::DataPtr allocate(std::size_t bytes) override;
  c10::DeleterFnPtr raw_deleter() const override { return &CountingAllocator::free; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override;

 private:
  struct Block {
    c10::DataPtr data;
    std::int64_t bytes;
  };

  explicit CountingAllocator(c10::Allocator& inner) : inner_(inner) {}
  static void free(void* data);
  void release(void* data);

  c10::Allocator& inner_;
  std::mutex mutex_;
  std::unordered_map<void*, Block> blocks_;  // by address: ATen wants it to be a block's context
  std::int64_t allocations_ = 0;
  std::int64_t live_ = 0;
  std::int64_t peak_ = 0;
};

}  // namespace onecycle::testing
