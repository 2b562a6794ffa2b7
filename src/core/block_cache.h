#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace onecycle {

// Large blocks of host memory that are kept when they are given back: a training step asks for the
// same sizes again and again, and fresh pages from the system cost more than what is computed in
// them. Sizes are rounded up by 1/16 at most; blocks of 2 MiB and more are aligned to that and
// backed by huge pages. Unused blocks go back to the system, the longest unused first,
// before new memory would raise the total above the most that was ever in use by more than
// kSlack. Safe for several threads.
class BlockCache {
 public:
  static constexpr std::size_t kLeast = std::size_t{32} << 10;  // bytes: smaller ones are malloc's

  BlockCache() = default;
  ~BlockCache() { release(); }
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;

  // At least `bytes`, not zeroed; null where the system has no more, after all that was unused has
  // gone back to it.
  void* take(std::size_t bytes);
  // Throws Error for what take() did not return.
  void give_back(void* data);
  bool owns(const void* data) const;
  // Every unused block to the system.
  void release();

  struct Usage {
    std::size_t in_use = 0;  // bytes
    std::size_t unused = 0;
    std::size_t most_in_use = 0;
    std::uint64_t from_system = 0;  // blocks, so far
  };
  Usage usage() const;

 private:
  struct Unused {
    void* data;
    std::uint64_t since;
  };

  void* take_unused(std::size_t size);
  void make_room(std::size_t size);
  bool release_oldest();

  mutable std::mutex mutex_;
  std::unordered_map<const void*, std::size_t> sizes_;  // of blocks in use
  std::map<std::size_t, std::vector<Unused>> unused_;   // by size, the last the newest
  std::uint64_t clock_ = 0;
  Usage usage_;
};

}  // namespace onecycle
