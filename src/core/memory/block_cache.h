#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <utility>

namespace onecycle {

// Large blocks of host memory that are kept when they are given back: a training step asks for the
// same sizes again and again, and fresh pages from the system cost more than what is computed in
// them. Blocks are cut from segments, the smallest free piece that holds one, and grow together
// with their free neighbours when they come back; small and large ones have segments of their own,
// so that few of the large are held by what lives long. Segments are aligned to 2 MiB and backed by
// huge pages. Those without a block in use go back to the system, the longest unused
// first, before new ones would raise the total to what it never was and by more than kSlack above
// the most that was ever in use. Safe for several threads.
class BlockCache {
 public:
  static constexpr std::size_t kLeast = std::size_t{32} << 10;  // bytes: smaller ones are malloc's
  static constexpr std::size_t kSlack = std::size_t{32} << 20;

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
  // Every segment without a block in use to the system.
  void release();

  struct Usage {
    std::size_t in_use = 0;  // bytes
    std::size_t unused = 0;
    std::size_t most_in_use = 0;
    std::uint64_t from_system = 0;  // segments, so far
  };
  Usage usage() const;

 private:
  struct Segment {
    std::size_t size;
    std::size_t in_use = 0;   // bytes
    std::uint64_t since = 0;  // when the last block came back
    bool large = false;
  };
  using Segments = std::map<char*, Segment>;
  struct Block {
    std::size_t size;
    bool in_use;
    Segments::iterator segment;
  };
  using Blocks = std::map<char*, Block>;  // free ones, too: together, all of every segment

  // End where there is none.
  Blocks::iterator take_free(std::size_t size, bool large);
  Blocks::iterator add_segment(std::size_t size, bool large);
  void cut(Blocks::iterator block, std::size_t size);
  // `later` follows it in memory; both are free.
  void join(Blocks::iterator block, Blocks::iterator later);
  std::set<std::pair<std::size_t, char*>>& free_like(const Block& block) {
    return free_[block.segment->second.large ? 1 : 0];
  }
  bool release_oldest();

  mutable std::mutex mutex_;
  Segments segments_;
  Blocks blocks_;
  std::set<std::pair<std::size_t, char*>> free_[2];  // size and address: of the small, of the large
  std::uint64_t clock_ = 0;
  std::size_t most_held_ = 0;  // bytes, in use or not
  Usage usage_;
};

}  // namespace onecycle
