// The random choices of the gather.

#include "kernels/batch/gather.h"

#include <cmath>
#include <gtest/gtest.h>
#include <vector>

namespace onecycle::kernels {
namespace {

Gather with_choices(std::uint32_t epoch) {
  Gather gather;
  gather.height = 32;
  gather.width = 28;
  gather.seed = 7;
  gather.epoch = epoch;
  gather.pad_crop = 4;
  gather.flip = true;
  gather.cutout = 8;
  return gather;
}

// Computed by tests/data/random_golden.py.
TEST(Placement, KnownChoices) {
  struct Golden {
    int shift_y, shift_x;
    bool flipped;
    int top, left;
  };
  const Golden golden[] = {
      {2, 3, false, 20, -1}, {2, -3, false, 0, 22}, {-2, 2, true, 17, 7}, {4, -4, false, 22, 21}};
  for (std::int64_t sample = 0; sample < 4; ++sample) {
    const Placement place = placement(with_choices(3), sample);
    const Golden& want = golden[sample];
    EXPECT_EQ(place.shift_y, want.shift_y) << sample;
    EXPECT_EQ(place.shift_x, want.shift_x) << sample;
    EXPECT_EQ(place.flipped, want.flipped) << sample;
    EXPECT_EQ(place.cut_top, want.top) << sample;
    EXPECT_EQ(place.cut_left, want.left) << sample;
    EXPECT_EQ(place.cut_bottom - place.cut_top, 8) << sample;
    EXPECT_EQ(place.cut_right - place.cut_left, 8) << sample;
  }
}

TEST(Placement, OneChoiceDoesNotMoveTheOthers) {
  Gather flip_alone = with_choices(3);
  flip_alone.pad_crop = flip_alone.cutout = 0;
  for (std::int64_t sample = 0; sample < 100; ++sample)
    EXPECT_EQ(placement(flip_alone, sample).flipped, placement(with_choices(3), sample).flipped);
}

// Computed by tests/data/random_golden.py.
TEST(Placement, AlternatingFlipsAreTheSamplesOwn) {
  const bool golden[] = {false, false, false, false, false, false,
                         false, false, true,  true,  true,  false};
  int flipped = 0;
  constexpr int kDraws = 10000;
  for (int i = 0; i < kDraws; ++i) {
    Gather gather = with_choices(0);
    gather.flip_alternates = true;
    const bool first = placement(gather, i).flipped;
    if (i < 12) {
      EXPECT_EQ(first, golden[i]) << i;
    }
    for (gather.epoch = 1; gather.epoch < 5; ++gather.epoch) {
      Gather random = gather;
      random.flip_alternates = false;
      EXPECT_EQ(placement(gather, i).flipped, first != (gather.epoch % 2 == 1));
      EXPECT_EQ(placement(gather, i).shift_x, placement(random, i).shift_x);
    }
    flipped += first;
  }
  EXPECT_NEAR(flipped, kDraws / 2, 5 * std::sqrt(kDraws / 4.0));
}

TEST(Placement, EveryOffsetComesUpEquallyOften) {
  constexpr int kDraws = 81 * 500;
  std::vector<int> counts(81);
  int flipped = 0;
  for (int i = 0; i < kDraws; ++i) {
    const Placement place = placement(with_choices(0), i);
    ++counts[static_cast<std::size_t>((place.shift_y + 4) * 9 + place.shift_x + 4)];
    flipped += place.flipped;
  }
  for (const int count : counts) EXPECT_NEAR(count, 500, 5 * std::sqrt(500.0));
  EXPECT_NEAR(flipped, kDraws / 2, 5 * std::sqrt(kDraws / 4.0));
}

}  // namespace
}  // namespace onecycle::kernels
