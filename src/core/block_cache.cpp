#include "core/block_cache.h"

#include "onecycle/error.h"

#include <algorithm>
#include <bit>
#include <sys/mman.h>

namespace onecycle {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kSlack = std::size_t{32} << 20;

// Up to a multiple of 1/16 of the largest power of two below.
std::size_t rounded(std::size_t bytes) {
  const std::size_t step = std::max(kPage, std::bit_floor(bytes) / 16);
  return (bytes + step - 1) / step * step;
}

char* map_pages(std::size_t size) {
  void* const start =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return start == MAP_FAILED ? nullptr : static_cast<char*>(start);
}

void* map(std::size_t size) {
  if (size < kHugePage) return map_pages(size);
  char* const start = map_pages(size + kHugePage);
  if (start == nullptr) return nullptr;
  const std::size_t before = -reinterpret_cast<std::uintptr_t>(start) % kHugePage;
  char* const data = start + before;
  if (before > 0) ::munmap(start, before);
  ::munmap(data + size, kHugePage - before);
  ::madvise(data, size, MADV_HUGEPAGE);
  return data;
}

}  // namespace

void* BlockCache::take(std::size_t bytes) {
  const std::size_t size = rounded(bytes);
  const std::lock_guard lock(mutex_);
  void* data = take_unused(size);
  if (data == nullptr) {
    make_room(size);
    while ((data = map(size)) == nullptr && release_oldest()) {
    }
    if (data == nullptr) return nullptr;
    ++usage_.from_system;
  }
  sizes_.emplace(data, size);
  usage_.in_use += size;
  usage_.most_in_use = std::max(usage_.most_in_use, usage_.in_use);
  return data;
}

void BlockCache::give_back(void* data) {
  const std::lock_guard lock(mutex_);
  const auto found = sizes_.find(data);
  if (found == sizes_.end()) throw Error("a block of memory was given back that was not taken");
  unused_[found->second].push_back({data, ++clock_});
  usage_.in_use -= found->second;
  usage_.unused += found->second;
  sizes_.erase(found);
}

bool BlockCache::owns(const void* data) const {
  const std::lock_guard lock(mutex_);
  return sizes_.contains(data);
}

void BlockCache::release() {
  const std::lock_guard lock(mutex_);
  while (release_oldest()) {
  }
}

BlockCache::Usage BlockCache::usage() const {
  const std::lock_guard lock(mutex_);
  return usage_;
}

void* BlockCache::take_unused(std::size_t size) {
  const auto found = unused_.find(size);
  if (found == unused_.end()) return nullptr;
  void* const data = found->second.back().data;
  found->second.pop_back();
  if (found->second.empty()) unused_.erase(found);
  usage_.unused -= size;
  return data;
}

void BlockCache::make_room(std::size_t size) {
  const std::size_t most = std::max(usage_.most_in_use, usage_.in_use + size) + kSlack;
  while (usage_.in_use + usage_.unused + size > most && release_oldest()) {
  }
}

bool BlockCache::release_oldest() {
  const auto oldest =
      std::min_element(unused_.begin(), unused_.end(), [](const auto& one, const auto& other) {
        return one.second.front().since < other.second.front().since;
      });
  if (oldest == unused_.end()) return false;
  const std::size_t size = oldest->first;
  ::munmap(oldest->second.front().data, size);
  oldest->second.erase(oldest->second.begin());
  if (oldest->second.empty()) unused_.erase(oldest);
  usage_.unused -= size;
  return true;
}

}  // namespace onecycle
