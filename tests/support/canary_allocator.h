#pragma once

#include <cstddef>
#include <mutex>
#include <unordered_map>

#include <c10/core/Allocator.h>

namespace onecycle::testing {

// ATen's allocator of main memory, whichever it is, with bytes of a pattern behind each block's
// exact end. They are looked at when the block comes back; where something has written on them the
// test fails. Sees what sanitizers do not: writes of generated code and of LibTorch's own. The
// pattern is a NaN in every format, so that what is read there seldom goes unseen, either. What was
// allocated before it was installed is not watched; it stays for the rest of the process.
class CanaryAllocator final : public c10::Allocator {
 public:
  // Longer than what is written by mistake, mostly: the test fails, and the heap stays sound.
  static constexpr std::size_t kCanary = 4096;  // bytes

  static CanaryAllocator& install();

  // The same for blocks that are still in use.
  void check_all();

  c10::DataPtr allocate(std::size_t bytes) override;
  c10::DeleterFnPtr raw_deleter() const override { return &CanaryAllocator::free; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override;

 private:
  struct Block {
    c10::DataPtr data;
    std::size_t bytes;
  };

  explicit CanaryAllocator(c10::Allocator& inner) : inner_(inner) {}
  static void free(void* data);
  void release(void* data);

  c10::Allocator& inner_;
  std::mutex mutex_;
  std::unordered_map<void*, Block> blocks_;  // by address: ATen wants it to be a block's context
};

}  // namespace onecycle::testing
