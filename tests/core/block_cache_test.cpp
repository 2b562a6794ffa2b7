#include "core/block_cache.h"

#include "onecycle/error.h"

#include <cstdint>
#include <cstring>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

namespace onecycle {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

TEST(BlockCache, GivesTheSameBlockAgainForASizeLikeIt) {
  BlockCache cache;
  void* const first = cache.take(10 * kMiB);
  std::memset(first, 1, 10 * kMiB);
  cache.give_back(first);
  EXPECT_EQ(cache.take(10 * kMiB - 5000), first);
  EXPECT_NE(cache.take(10 * kMiB), first);
  EXPECT_EQ(cache.usage().from_system, 2U);
}

TEST(BlockCache, LargeBlocksStandOnHugePages) {
  BlockCache cache;
  for (const std::size_t bytes : {2 * kMiB, 3 * kMiB + 1, 40 * kMiB})
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(cache.take(bytes)) % (2 * kMiB), 0U) << bytes;
}

TEST(BlockCache, RoundsByASixteenthAtMost) {
  for (const std::size_t bytes :
       {std::size_t{32768}, std::size_t{40001}, kMiB + 1, 15 * kMiB + 3}) {
    BlockCache cache;
    cache.take(bytes);
    EXPECT_GE(cache.usage().in_use, bytes);
    EXPECT_LE(cache.usage().in_use, bytes + bytes / 16 + 4096) << bytes;
  }
}

// The sizes of one phase are not kept beside those of the next.
TEST(BlockCache, HoldsLittleMoreThanWasEverInUse) {
  BlockCache cache;
  for (std::size_t size = 100; size < 200; size += 20) {
    std::vector<void*> blocks;
    for (int i = 0; i < 4; ++i) blocks.push_back(cache.take(size * kMiB));
    for (void* const block : blocks) cache.give_back(block);
    const BlockCache::Usage usage = cache.usage();
    EXPECT_LE(usage.unused, usage.most_in_use + 32 * kMiB);
  }
  cache.release();
  EXPECT_EQ(cache.usage().unused, 0U);
}

TEST(BlockCache, HasNothingWhereTheSystemHasNone) {
  BlockCache cache;
  cache.give_back(cache.take(50 * kMiB));
  EXPECT_EQ(cache.take(std::size_t{1} << 60), nullptr);
  EXPECT_EQ(cache.usage().unused, 0U);  // all was given up for it
  EXPECT_NE(cache.take(kMiB), nullptr);
}

TEST(BlockCache, TakesBackOnlyItsOwn) {
  BlockCache cache;
  int other = 0;
  EXPECT_FALSE(cache.owns(&other));
  EXPECT_THROW(cache.give_back(&other), Error);
}

TEST(BlockCache, ServesThreads) {
  BlockCache cache;
  std::vector<std::thread> threads;
  for (unsigned char id = 1; id < 5; ++id)
    threads.emplace_back([&cache, id] {
      for (int i = 0; i < 200; ++i) {
        auto* const data = static_cast<unsigned char*>(cache.take(100'000));
        std::memset(data, id, 100'000);
        ASSERT_EQ(data[99'999], id);
        cache.give_back(data);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(cache.usage().in_use, 0U);
}

}  // namespace
}  // namespace onecycle
