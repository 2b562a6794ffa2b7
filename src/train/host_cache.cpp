#include "onecycle/host_cache.h"

#include "core/memory/block_cache.h"

#include <cstdlib>
#include <cstring>
#include <malloc.h>

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>

namespace onecycle {

namespace {

constexpr std::size_t kAlignment = 64;  // bytes, as c10's own

// Never destroyed: tensors of static storage duration may outlive everything.
BlockCache& blocks() {
  static auto* const cache = new BlockCache;  // NOLINT(cppcoreguidelines-owning-memory)
  return *cache;
}

void report_new(void* data, std::size_t bytes) {
  if (c10::memoryProfilingEnabled()) c10::profiledCPUMemoryReporter().New(data, bytes);
}

void report_deleted(void* data) {
  if (c10::memoryProfilingEnabled()) c10::profiledCPUMemoryReporter().Delete(data);
}

void delete_small(void* data) {
  report_deleted(data);
  std::free(data);  // NOLINT(cppcoreguidelines-no-malloc)
}

void delete_block(void* data) {
  report_deleted(data);
  blocks().give_back(data);
}

void delete_any(void* data) { blocks().owns(data) ? delete_block(data) : delete_small(data); }

void* new_small(std::size_t bytes) {
  void* data = nullptr;
  return ::posix_memalign(&data, kAlignment, bytes) == 0 ? data : nullptr;
}

class CachingAllocator : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    if (bytes == 0) return {nullptr, nullptr, &delete_small, at::kCPU};
    const bool large = bytes >= BlockCache::kLeast;
    void* const data = large ? blocks().take(bytes) : new_small(bytes);
    TORCH_CHECK(data != nullptr, "DefaultCPUAllocator: not enough memory: you tried to allocate ",
                bytes, " bytes.");
    report_new(data, bytes);
    return {data, data, large ? &delete_block : &delete_small, at::kCPU};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &delete_any; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    std::memcpy(to, from, bytes);
  }
};

}  // namespace

void cache_host_memory() {
  [[maybe_unused]] static const bool once = [] {
    constexpr int kKeep = 1 << 30;  // bytes; glibc's own ceiling of what it does not map is 32 MiB
    ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
    ::mallopt(M_TRIM_THRESHOLD, kKeep);
    static CachingAllocator allocator;
    c10::SetCPUAllocator(&allocator, /*priority=*/1);
    return true;
  }();
}

}  // namespace onecycle
