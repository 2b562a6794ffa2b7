#include "core/memory/block_cache.h"

#include "onecycle/error.h"

#include <algorithm>
#include <sys/mman.h>

namespace onecycle {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kLarge = std::size_t{1} << 20;  // a block of the large, at least
constexpr std::size_t kSmallSegment = std::size_t{4} << 20;
constexpr std::size_t kLargeSegment = std::size_t{32} << 20;

std::size_t rounded(std::size_t bytes, std::size_t to) { return (bytes + to - 1) / to * to; }

char* map(std::size_t size) {
  void* const mapped =
      ::mmap(nullptr, size + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const start = static_cast<char*>(mapped);
  const std::size_t before = -reinterpret_cast<std::uintptr_t>(start) % kHugePage;
  char* const data = start + before;
  if (before > 0) ::munmap(start, before);
  ::munmap(data + size, kHugePage - before);
  ::madvise(data, size, MADV_HUGEPAGE);
  return data;
}

}  // namespace

void* BlockCache::take(std::size_t bytes) {
  if (bytes > SIZE_MAX / 2) return nullptr;
  const std::size_t size = rounded(bytes, kPage);
  const bool large = size >= kLarge;
  const std::lock_guard lock(mutex_);
  auto block = take_free(size, large);
  if (block == blocks_.end()) block = add_segment(size, large);
  if (block == blocks_.end()) return nullptr;
  block->second.in_use = true;
  block->second.segment->second.in_use += block->second.size;
  usage_.in_use += block->second.size;
  usage_.unused -= block->second.size;
  usage_.most_in_use = std::max(usage_.most_in_use, usage_.in_use);
  return block->first;
}

void BlockCache::give_back(void* data) {
  const std::lock_guard lock(mutex_);
  auto block = blocks_.find(static_cast<char*>(data));
  if (block == blocks_.end() || !block->second.in_use)
    throw Error("a block of memory was freed that was not allocated");
  Segment& segment = block->second.segment->second;
  segment.in_use -= block->second.size;
  segment.since = ++clock_;
  usage_.in_use -= block->second.size;
  usage_.unused += block->second.size;
  block->second.in_use = false;
  free_like(block->second).emplace(block->second.size, block->first);
  const auto joins = [](Blocks::iterator one, Blocks::iterator other) {
    return !one->second.in_use && !other->second.in_use &&
           one->second.segment == other->second.segment;
  };
  const auto later = std::next(block);
  if (later != blocks_.end() && joins(block, later)) join(block, later);
  if (block == blocks_.begin()) return;
  const auto before = std::prev(block);
  if (joins(before, block)) join(before, block);
}

bool BlockCache::owns(const void* data) const {
  const std::lock_guard lock(mutex_);
  // The map's keys are what take() returned, not const.
  const auto found = blocks_.find(static_cast<char*>(const_cast<void*>(data)));
  return found != blocks_.end() && found->second.in_use;
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

BlockCache::Blocks::iterator BlockCache::take_free(std::size_t size, bool large) {
  auto& free = free_[large ? 1 : 0];
  const auto found = free.lower_bound({size, nullptr});
  if (found == free.end()) return blocks_.end();
  const auto block = blocks_.find(found->second);
  free.erase(found);
  cut(block, size);
  return block;
}

BlockCache::Blocks::iterator BlockCache::add_segment(std::size_t size, bool large) {
  const std::size_t whole =
      std::max(rounded(size, kHugePage), large ? kLargeSegment : kSmallSegment);
  const std::size_t most =
      std::max(most_held_, std::max(usage_.most_in_use, usage_.in_use + size) + kSlack);
  // For a few MiB it does not pay to give up what may be a hundred times that.
  while (large && usage_.in_use + usage_.unused + whole > most && release_oldest()) {
  }
  char* data = nullptr;
  while ((data = map(whole)) == nullptr && release_oldest()) {
  }
  if (data == nullptr) return blocks_.end();
  ++usage_.from_system;
  usage_.unused += whole;
  most_held_ = std::max(most_held_, usage_.in_use + usage_.unused);
  const auto segment = segments_.emplace(data, Segment{.size = whole, .large = large}).first;
  const auto block = blocks_.emplace(data, Block{whole, false, segment}).first;
  cut(block, size);
  return block;
}

void BlockCache::cut(Blocks::iterator block, std::size_t size) {
  const std::size_t left = block->second.size - size;
  if (left < kLeast) return;
  block->second.size = size;
  char* const rest = block->first + size;
  blocks_.emplace_hint(std::next(block), rest, Block{left, false, block->second.segment});
  free_like(block->second).emplace(left, rest);
}

void BlockCache::join(Blocks::iterator block, Blocks::iterator later) {
  auto& free = free_like(block->second);
  free.erase({block->second.size, block->first});
  free.erase({later->second.size, later->first});
  block->second.size += later->second.size;
  blocks_.erase(later);
  free.emplace(block->second.size, block->first);
}

bool BlockCache::release_oldest() {
  auto oldest = segments_.end();
  for (auto segment = segments_.begin(); segment != segments_.end(); ++segment)
    if (segment->second.in_use == 0 &&
        (oldest == segments_.end() || segment->second.since < oldest->second.since))
      oldest = segment;
  if (oldest == segments_.end()) return false;
  const auto block = blocks_.find(oldest->first);  // one: all of it is free
  free_like(block->second).erase({block->second.size, block->first});
  blocks_.erase(block);
  ::munmap(oldest->first, oldest->second.size);
  usage_.unused -= oldest->second.size;
  segments_.erase(oldest);
  return true;
}

}  // namespace onecycle
