#include "core/memory/block_cache.h"

#include "onecycle/error.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <gtest/gtest.h>
#include <thread>
#include <utility>
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
  EXPECT_EQ(cache.usage().from_system, 1U);
}

TEST(BlockCache, SegmentsStandOnHugePages) {
  for (const std::size_t bytes : {kMiB / 4, 3 * kMiB + 1, 40 * kMiB}) {
    BlockCache cache;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(cache.take(bytes)) % (2 * kMiB), 0U) << bytes;
  }
}

TEST(BlockCache, RoundsToPages) {
  for (const std::size_t bytes :
       {std::size_t{32768}, std::size_t{40001}, kMiB + 1, 15 * kMiB + 3}) {
    BlockCache cache;
    cache.take(bytes);
    EXPECT_GE(cache.usage().in_use, bytes);
    EXPECT_LT(cache.usage().in_use, bytes + 4096) << bytes;
  }
}

TEST(BlockCache, NeighboursGrowTogether) {
  BlockCache cache;
  for (const auto& order : {std::array{0, 1, 2}, std::array{0, 2, 1}, std::array{2, 1, 0}}) {
    void* const blocks[] = {cache.take(8 * kMiB), cache.take(8 * kMiB), cache.take(8 * kMiB)};
    for (const int i : order) cache.give_back(blocks[i]);
    void* const whole = cache.take(32 * kMiB);
    EXPECT_EQ(whole, blocks[0]);
    cache.give_back(whole);
  }
  EXPECT_EQ(cache.usage().from_system, 1U);
}

TEST(BlockCache, TakesTheSmallestPieceThatHolds) {
  BlockCache cache;
  void* const large = cache.take(12 * kMiB);
  cache.take(2 * kMiB);
  void* const small = cache.take(4 * kMiB);
  cache.take(14 * kMiB);
  cache.give_back(large);
  cache.give_back(small);
  EXPECT_EQ(cache.take(3 * kMiB), small);
}

// Blocks overlap nobody's, whatever is taken and given back.
TEST(BlockCache, BlocksAreTheirOwners) {
  BlockCache cache;
  std::vector<std::pair<unsigned char*, std::size_t>> blocks;
  std::uint64_t state = 7;
  const auto draw = [&state](std::size_t below) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::size_t>(state >> 33) % below;
  };
  const auto give_back = [&](std::size_t i) {
    const auto [data, size] = blocks[i];
    for (const std::size_t at : {std::size_t{0}, size / 2, size - 1})
      ASSERT_EQ(data[at], static_cast<unsigned char>(size % 251));
    cache.give_back(data);
    blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(i));
  };
  for (int i = 0; i < 2000; ++i) {
    if (blocks.size() > 40 || (!blocks.empty() && draw(2) == 0)) give_back(draw(blocks.size()));
    const std::size_t size = BlockCache::kLeast + draw(draw(4) == 0 ? 4 * kMiB : kMiB / 4);
    auto* const data = static_cast<unsigned char*>(cache.take(size));
    for (const std::size_t at : {std::size_t{0}, size / 2, size - 1})
      data[at] = static_cast<unsigned char>(size % 251);
    blocks.emplace_back(data, size);
  }
  while (!blocks.empty()) give_back(blocks.size() - 1);
  EXPECT_EQ(cache.usage().in_use, 0U);
  cache.release();
  EXPECT_EQ(cache.usage().unused, 0U);
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
