#include "core/rng.h"

#include <array>
#include <gtest/gtest.h>
#include <vector>

namespace onecycle {
namespace {

std::array<std::uint32_t, 4> array_of(const RandomWords& words) {
  return {words.word[0], words.word[1], words.word[2], words.word[3]};
}
using Words = std::array<std::uint32_t, 4>;

// The known answers of Random123, the authors' own library (tests/kat_vectors).
TEST(Random, PhiloxGivesItsAuthorsKnownAnswers) {
  EXPECT_EQ(array_of(philox4x32_10({{0, 0, 0, 0}}, 0)),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(array_of(philox4x32_10({{~0u, ~0u, ~0u, ~0u}}, ~std::uint64_t{0})),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(array_of(philox4x32_10({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
                                   0x299f31d0a4093822)),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

// Computed by random_golden.py.
TEST(Random, WordsOfAUse) {
  EXPECT_EQ(array_of(random_words(7, RandomUse::augment, 3, 12345)),
            (Words{0x11484b65, 0x2235979a, 0x234149c1, 0xe4690f5b}));
  EXPECT_EQ(
      array_of(random_words(0x0123456789abcdef, RandomUse::order, 0xffffffff, 0x1122334455667788)),
      (Words{0x4f6684a9, 0x9c302c04, 0x6a86868d, 0xe9bb9e5d}));
}

TEST(Random, EachPartOfTheCounterMatters) {
  const Words words = array_of(random_words(1, RandomUse::order, 1, 1));
  EXPECT_NE(words, array_of(random_words(2, RandomUse::order, 1, 1)));
  EXPECT_NE(words, array_of(random_words(1 + (std::uint64_t{1} << 40), RandomUse::order, 1, 1)));
  EXPECT_NE(words, array_of(random_words(1, RandomUse::augment, 1, 1)));
  EXPECT_NE(words, array_of(random_words(1, RandomUse::order, 2, 1)));
  EXPECT_NE(words, array_of(random_words(1, RandomUse::order, 1, 2)));
  EXPECT_NE(words, array_of(random_words(1, RandomUse::order, 1, 1 + (std::uint64_t{1} << 40))));
}

TEST(Random, BoundedDrawsStayBelowTheirBound) {
  EXPECT_EQ(bounded(0, 10), 0u);
  EXPECT_EQ(bounded(~0u, 10), 9u);
  EXPECT_EQ(bounded64(~std::uint64_t{0}, 10), 9u);
  EXPECT_EQ(bounded64(~std::uint64_t{0}, std::uint64_t{1} << 63), (std::uint64_t{1} << 63) - 1);
  EXPECT_EQ(bounded64(0xfedcba9876543210, 0x0123456789abcdef), 81621149086635842u);
}

TEST(Random, BoundedDrawsAreUniform) {
  constexpr int kDraws = 90000;
  std::vector<int> counts(9);
  for (int i = 0; i < kDraws; ++i)
    ++counts[bounded(random_words(3, RandomUse::augment, 0, static_cast<std::uint64_t>(i)).word[0],
                     9)];
  // 10,000 expected, standard deviation 94.
  for (const int count : counts) EXPECT_NEAR(count, kDraws / 9, 5 * 94);
}

}  // namespace
}  // namespace onecycle
