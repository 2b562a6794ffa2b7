#include "support/counting_allocator.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include <c10/core/CPUAllocator.h>

namespace onecycle::testing {

namespace {

CountingAllocator* installed = nullptr;

}  // namespace

CountingAllocator& CountingAllocator::install() {
  if (installed == nullptr) {
    installed = new CountingAllocator(*c10::GetCPUAllocator());  // tensors outlive statics
    c10::SetCPUAllocator(installed, std::numeric_limits<std::uint8_t>::max());
  }
  return *installed;
}

c10::DataPtr CountingAllocator::allocate(std::size_t bytes) {
  c10::DataPtr inner = inner_.allocate(bytes);
  void* data = inner.get();
  if (data == nullptr) return inner;  // of no bytes
  const c10::Device device = inner.device();
  const std::lock_guard lock(mutex_);
  allocations_ += 1;
  live_ += static_cast<std::int64_t>(bytes);
  peak_ = std::max(peak_, live_);
  blocks_.insert_or_assign(data, Block{std::move(inner), static_cast<std::int64_t>(bytes)});
  return {data, data, &CountingAllocator::free, device};
}

void CountingAllocator::free(void* data) { installed->release(data); }

void CountingAllocator::release(void* data) {
  const std::lock_guard lock(mutex_);
  const auto block = blocks_.find(data);
  if (block == blocks_.end()) return;
  live_ -= block->second.bytes;
  blocks_.erase(block);
}

void CountingAllocator::copy_data(void* to, const void* from, std::size_t bytes) const {
  std::memcpy(to, from, bytes);
}

}  // namespace onecycle::testing
