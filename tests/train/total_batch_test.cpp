// How ranks and forward passes share a total batch, against trying every number of passes.

#include "train/total_batch.h"

#include "onecycle/error.h"

#include "train/run_plan.h"
#include "train/support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// The definition, word by word.
std::optional<BatchShares> shares_by_trying(std::int64_t total, std::int64_t limit,
                                            std::int64_t ranks, std::int64_t unit = 1) {
  std::int64_t fewest = 1;
  while (fewest * ranks * limit < total) ++fewest;
  for (std::int64_t passes = 1; passes <= 2 * fewest; ++passes)
    for (std::int64_t per_rank = unit; per_rank <= limit; per_rank += unit)
      if (per_rank * ranks * passes == total) return BatchShares{per_rank, passes};
  return std::nullopt;
}

std::string total_refusal(std::int64_t total, std::int64_t limit, std::int64_t ranks,
                          std::int64_t num_train, std::int64_t unit = 1) {
  try {
    (void)require_shares(total, limit, ranks, num_train, unit);
  } catch (const FieldError& error) {
    EXPECT_EQ(error.field(), "data.total_batch_size");
    return error.what();
  }
  return "";
}

TEST(TotalBatch, EverySmallCase) {
  int shared = 0;
  int refused = 0;
  for (std::int64_t total = 1; total <= 72; ++total)
    for (std::int64_t limit = 1; limit <= 80; ++limit)
      for (std::int64_t ranks = 1; ranks <= 6; ++ranks) {
        const auto expected = shares_by_trying(total, limit, ranks);
        const auto found = share_batch(total, limit, ranks);
        ASSERT_EQ(found.has_value(), expected.has_value())
            << total << " by " << ranks << " of " << limit;
        ++(found ? shared : refused);
        if (!found) continue;
        ASSERT_EQ(found->per_rank, expected->per_rank) << total << ' ' << limit << ' ' << ranks;
        ASSERT_EQ(found->accumulated, expected->accumulated);
      }
  EXPECT_GT(shared, 1000);
  EXPECT_GT(refused, 1000);
}

TEST(TotalBatch, ByHand) {
  const auto shares = [](std::int64_t total, std::int64_t limit, std::int64_t ranks) {
    const BatchShares found = require_shares(total, limit, ranks, 50000);
    return std::pair(found.per_rank, found.accumulated);
  };
  EXPECT_EQ(shares(2048, 256, 4), std::pair(INT64_C(256), INT64_C(2)));
  EXPECT_EQ(shares(2048, 128, 1), std::pair(INT64_C(128), INT64_C(16)));
  EXPECT_EQ(shares(96, 24, 3), std::pair(INT64_C(16), INT64_C(2)));
  EXPECT_EQ(shares(96, 96, 4), std::pair(INT64_C(24), INT64_C(1)));
  EXPECT_EQ(shares(100, 48, 1), std::pair(INT64_C(25), INT64_C(4)))
      << "3 passes would leave a remainder";
  EXPECT_EQ(share_batch(1000000000, 31622, 1)->per_rank, 31250)
      << "2^9 5^9: its divisors near 31622";
}

TEST(TotalBatch, ARemainderNamesTheNearestThatWork) {
  EXPECT_THAT(total_refusal(2048, 256, 3, 50000),
              AllOf(HasSubstr("2048 samples are not shared evenly by 3 ranks"),
                    // 682 = 2 11 31 and 683 are not even near 256; 681 = 3 227, 684 = 3 228 are
                    HasSubstr("take 2043 or 2052")));
  const std::string prime = total_refusal(2018, 256, 2, 50000);  // 1009 for each rank
  EXPECT_THAT(
      prime, AllOf(HasSubstr("1009 for each of 2 ranks, divide evenly only into 1009 passes of 1,"),
                   HasSubstr("data.batch_size 1009 or 1")));
  EXPECT_THAT(total_refusal(682, 256, 1, 50000), HasSubstr("data.batch_size 341 or 62"));
  EXPECT_EQ(total_refusal(682, 341, 1, 50000), "");
  EXPECT_EQ(total_refusal(682, 62, 1, 50000), "");
}

TEST(TotalBatch, TheNearestAreTheNearest) {
  for (std::int64_t total = 1; total <= 60; ++total)
    for (std::int64_t limit = 2; limit <= 20; ++limit)
      for (std::int64_t ranks = 1; ranks <= 4; ++ranks) {
        if (shares_by_trying(total, limit, ranks)) continue;
        std::int64_t below = total - 1;
        std::int64_t above = total + 1;
        while (below > 0 && !shares_by_trying(below, limit, ranks)) --below;
        while (!shares_by_trying(above, limit, ranks)) ++above;
        const std::string lower = below > 0 ? std::to_string(below) + " or " : "";
        EXPECT_THAT(total_refusal(total, limit, ranks, 1000),
                    HasSubstr("take " + lower + std::to_string(above)));
      }
}

TEST(TotalBatch, PassesAreWholeGroups) {
  int shared = 0;
  for (const std::int64_t unit : {2, 3, 8})
    for (std::int64_t total = 1; total <= 120; ++total)
      for (std::int64_t limit = 1; limit <= 60; ++limit)
        for (std::int64_t ranks = 1; ranks <= 3; ++ranks) {
          const auto expected = shares_by_trying(total, limit, ranks, unit);
          const auto found = share_batch(total, limit, ranks, unit);
          ASSERT_EQ(found.has_value(), expected.has_value())
              << total << " by " << ranks << " of " << limit << " in " << unit;
          if (!found) continue;
          ++shared;
          ASSERT_EQ(found->per_rank, expected->per_rank) << total << ' ' << limit << ' ' << unit;
        }
  EXPECT_GT(shared, 1000);
  EXPECT_EQ(share_batch(240, 64, 1)->per_rank, 60);
  EXPECT_EQ(share_batch(240, 64, 1, 8)->per_rank, 48);
}

TEST(TotalBatch, RefusalsNameWholeGroups) {
  // 13 groups are a prime, and a pass holds 8.
  EXPECT_THAT(
      total_refusal(100, 64, 1, 50000, 8),
      AllOf(HasSubstr("100 samples are not whole groups of 8"), HasSubstr("take 96 or 112")));
  // 29 groups are a prime; 28 and 30 make 14 and 15 passes of two.
  const std::string prime = total_refusal(232, 23, 1, 50000, 8);
  EXPECT_THAT(prime, AllOf(HasSubstr("29 passes of 8, where data.batch_size allows 23"),
                           HasSubstr("take 224 or 240, or data.batch_size 232 or 8")));
  EXPECT_EQ(total_refusal(224, 23, 1, 50000, 8), "");
  EXPECT_EQ(total_refusal(240, 23, 1, 50000, 8), "");
  EXPECT_EQ(total_refusal(232, 8, 1, 50000, 8), "");
  EXPECT_THAT(total_refusal(96, 64, 1, 90, 8), HasSubstr("take 80"));
  EXPECT_THAT(total_refusal(8, 64, 1, 5, 8), HasSubstr("smaller groups"));
  try {
    (void)require_shares(640, 32, 1, 50000, 64);
    ADD_FAILURE() << "a group does not fit into a pass";
  } catch (const FieldError& error) {
    EXPECT_EQ(error.field(), "data.batch_size");
    EXPECT_THAT(error.what(), HasSubstr("raise it to 64"));
  }
}

TEST(TotalBatch, NoMoreThanTheSamples) {
  EXPECT_THAT(total_refusal(96, 16, 1, 90), AllOf(HasSubstr("more than the 90"), HasSubstr("90")));
  EXPECT_THAT(total_refusal(96, 16, 4, 90), HasSubstr("take 88"));
  EXPECT_THAT(total_refusal(96, 16, 100, 90), HasSubstr("fewer ranks"));
  EXPECT_THAT(total_refusal(89, 16, 2, 89), AllOf(HasSubstr("take 88"), Not(HasSubstr("90"))));
}

StepPlan total_plan(const std::vector<std::string>& overrides, std::int64_t ranks = 1) {
  return plan_steps(tiny_recipe(overrides), 80, ranks);
}

TEST(TotalBatch, OfARecipe) {
  const StepPlan one = total_plan({"data.total_batch_size=40"});
  EXPECT_EQ(one.total_batch, 40);
  EXPECT_EQ(one.micro_batch, 10) << "of at most 16";
  EXPECT_EQ(one.micro_batches(), 4);
  EXPECT_EQ(one.steps_per_epoch, 2);
  EXPECT_TRUE(one.total_given);
  const StepPlan four = total_plan({"data.total_batch_size=40"}, 4);
  EXPECT_EQ(four.total_batch, 40);
  EXPECT_EQ(four.micro_batch, 10);
  EXPECT_EQ(four.micro_batches(), 1);
  EXPECT_EQ(total_plan({"data.total_batch_size=40", "data.batch_size=500"}).micro_batches(), 1);
  EXPECT_EQ(total_plan({"data.total_batch_size=40", "data.batch_size=all"}, 2).micro_batch, 20);
  EXPECT_FALSE(total_plan({}).total_given);
  const std::vector<std::string> groups = {"model={name: resnet8, bn_batch: 4}",
                                           "data.total_batch_size=40"};
  EXPECT_EQ(total_plan(groups).micro_batch, 8) << "10 are not whole groups of 4";
}

TEST(TotalBatch, WhatARecipeCannotSay) {
  const auto refusal = [](const std::vector<std::string>& overrides, std::int64_t ranks = 1) {
    try {
      total_plan(overrides, ranks);
    } catch (const RecipeError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(refusal({"data.total_batch_size=32", "train.accumulate=2"}),
              HasSubstr("train.accumulate: does not go with data.total_batch_size"));
  EXPECT_THAT(refusal({"data.total_batch_size=32"}, 3),
              AllOf(HasSubstr("data.total_batch_size: 32 samples are not shared"),
                    HasSubstr("take 30 or 33")));
  EXPECT_THAT(refusal({"data.total_batch_size=32", "data.batch_size=auto"}),
              HasSubstr("data.batch_size: auto"));
  EXPECT_THAT(refusal({"data.total_batch_size=81"}), HasSubstr("more than the 80 samples"));
  EXPECT_THROW(tiny_recipe({"data.total_batch_size=0"}), RecipeError);
}

}  // namespace
}  // namespace onecycle
