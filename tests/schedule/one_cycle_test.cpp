// Smith's golden values, and the policies' first, highest and final values (docs: the policy
// table).

#include "schedule/support.h"

#include <cmath>
#include <gtest/gtest.h>
#include <numbers>

namespace onecycle {
namespace {

// The values that Smith's Caffe code logs, to the digits logged.
TEST(SmithCaffe, GoldenValues) {
  const auto schedule = schedule_of("one_cycle",
                                    "policy=smith_caffe lr_max=1.2 lr_min=0.1 stepsize=3417it "
                                    "momentum_max=0.95 momentum_min=0.85");
  const std::int64_t total = 10000;
  EXPECT_NEAR(schedule->at(100, total).lr, 0.132192, 5e-7);
  EXPECT_NEAR(schedule->at(100, total).momentum, 0.947073, 5e-7);
  EXPECT_NEAR(schedule->at(3500, total).lr, 1.17085, 5e-6);
  EXPECT_NEAR(schedule->at(3500, total).momentum, 0.852429, 5e-7);
  EXPECT_NEAR(schedule->at(6800, total).lr, 0.0119403, 5e-8);
  EXPECT_NEAR(schedule->at(6800, total).momentum, 0.949005, 5e-7);
  EXPECT_DOUBLE_EQ(schedule->at(6900, total).lr, 0.0001);
  EXPECT_DOUBLE_EQ(schedule->at(6900, total).momentum, 0.95);
}

TEST(SmithCaffe, DefaultBaseIsATwelfth) {
  const auto schedule = schedule_of("one_cycle", "policy=smith_caffe lr_max=1.2 stepsize=10it");
  EXPECT_DOUBLE_EQ(schedule->at(0, 100).lr, 0.1);
  EXPECT_DOUBLE_EQ(schedule->at(10, 100).lr, 1.2);
  EXPECT_NEAR(schedule->at(19, 100).lr, 0.12, 1e-15);
  EXPECT_DOUBLE_EQ(schedule->at(20, 100).lr, 0.0001);
}

// On its way down the rate is below base/1000 where 1 - (t-S)/S < 1/12000.
TEST(SmithCaffe, WayDownStopsAtTheFinalRate) {
  const auto schedule = schedule_of("one_cycle", "policy=smith_caffe lr_max=1.2 stepsize=20000it");
  EXPECT_DOUBLE_EQ(schedule->at(39999, 50000).lr, 0.0001);
  EXPECT_GT(schedule->at(39990, 50000).lr, 0.0001);
}

// 0.1 to 1 in 4 steps, back in 4, then from 0.1 to 0.0001 over the 3 that remain.
TEST(Smith, ByHand) {
  const auto schedule = schedule_of("one_cycle", "lr_max=1 stepsize=4it");
  const double lr[] = {0.1, 0.325, 0.55, 0.775, 1, 0.775, 0.55, 0.325, 0.1, 0.0667, 0.0334, 0.0001};
  const double momentum[] = {.95, .925, .9, .875, .85, .875, .9, .925, .95, .95, .95, .95};
  for (std::int64_t step = 0; step < 12; ++step) {
    EXPECT_NEAR(schedule->at(step, 12).lr, lr[step], 1e-15) << step;
    EXPECT_NEAR(schedule->at(step, 12).momentum, momentum[step], 1e-15) << step;
  }
}

// His tables: 11 of 25 epochs, 41 (of 42.75) of 95.
TEST(Smith, DefaultStepsizeIsFortyFivePercent) {
  const auto schedule = schedule_of("one_cycle", "lr_max=1");
  EXPECT_DOUBLE_EQ(schedule->at(11, 25).lr, 1);
  EXPECT_DOUBLE_EQ(schedule->at(42, 95).lr, 1);
  EXPECT_DOUBLE_EQ(schedule->at(450, 1000).lr, 1);
  EXPECT_DOUBLE_EQ(schedule->at(900, 1000).lr, 0.1);
}

TEST(Smith, StepsizeInEpochs) {
  const auto schedule =
      schedule_of("one_cycle", "lr_max=1 stepsize=1.5ep", {.steps_per_epoch = 20});
  EXPECT_DOUBLE_EQ(schedule->at(30, 100).lr, 1);
  EXPECT_DOUBLE_EQ(schedule->at(60, 100).lr, 0.1);
}

struct Row {
  const char* words;
  double first, last;
  std::int64_t peak;  // of 101 steps
};

// The policy table with lr_max = 5.
TEST(Policies, FirstHighestAndFinalRate) {
  const Row rows[] = {
      {"policy=smith lr_max=5", 0.5, 0.5e-3, 45},
      {"policy=smith lr_max=5 div_factor=8 final_div_factor=100", 0.625, 0.625e-2, 45},
      {"policy=smith_caffe lr_max=5", 5.0 / 12, 5.0 / 12e3, 45},
      {"policy=torch lr_max=5 pct_start=0.5", 0.2, 5 / 2.5e5, -1},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.words);
    const auto schedule = schedule_of("one_cycle", row.words);
    EXPECT_NEAR(schedule->at(0, 101).lr, row.first, 1e-14);
    EXPECT_NEAR(schedule->at(100, 101).lr, row.last, 1e-14);
    EXPECT_NEAR(schedule->at(0, 101).momentum, 0.95, 1e-14);
    EXPECT_NEAR(schedule->at(100, 101).momentum, 0.95, 1e-14);
    if (row.peak < 0) continue;
    EXPECT_NEAR(schedule->at(row.peak, 101).lr, 5, 1e-14);
    EXPECT_NEAR(schedule->at(row.peak, 101).momentum, 0.85, 1e-14);
  }
}

// What fastai's combined_cos gives at t/T, to the digits of its float32.
double combined_cos(double pct, double start, double middle, double end, double p) {
  const bool up = p < pct;
  const double u = up ? p / pct : (p - pct) / (1 - pct);
  const double from = up ? start : middle;
  const double to = up ? middle : end;
  return from + (1 + std::cos(std::numbers::pi * (1 - u))) * (to - from) / 2;
}

TEST(FastAi, ProgressIsTheShareOfTheStepsBehind) {
  const auto schedule = schedule_of("one_cycle", "policy=fastai lr_max=0.1");
  EXPECT_NEAR(schedule->at(1, 10).lr, 0.0372, 5e-5);
  EXPECT_NEAR(schedule->at(9, 10).lr, 0.0043, 5e-5);
  EXPECT_DOUBLE_EQ(schedule->at(25, 100).lr, 0.1);
  EXPECT_DOUBLE_EQ(schedule->at(25, 100).momentum, 0.85);
  EXPECT_DOUBLE_EQ(schedule->at(100, 100).lr, 1e-6);
  for (const double pct : {0.0, 0.01, 0.025, 0.05, 0.1, 0.25, 0.3, 0.45, 0.5, 0.75, 0.9, 0.99, 1.0})
    for (std::int64_t total = 2; total <= 40; ++total) {
      const auto at_pct =
          schedule_of("one_cycle", "policy=fastai lr_max=1 pct_start=" + std::to_string(pct));
      for (std::int64_t step = 0; step < total; ++step) {
        const double p = static_cast<double>(step) / static_cast<double>(total);
        ASSERT_NEAR(at_pct->at(step, total).lr, combined_cos(pct, 0.04, 1, 1e-5, p), 1e-6)
            << pct << " " << step << " of " << total;
        ASSERT_NEAR(at_pct->at(step, total).momentum, combined_cos(pct, .95, .85, .95, p), 1e-6);
      }
    }
}

// fastai's cosine a quarter of the way and halfway, up and down.
TEST(FastAi, CosineByHand) {
  const auto schedule = schedule_of("one_cycle", "policy=fastai lr_max=1 pct_start=0.5");
  EXPECT_NEAR(schedule->at(10, 40).lr, (0.04 + 1) / 2, 1e-15);
  EXPECT_NEAR(schedule->at(30, 40).lr, (1 + 1e-5) / 2, 1e-15);
  EXPECT_NEAR(schedule->at(25, 40).lr, 1 - (1 - 1e-5) * (1 - 0.70710678118654752) / 2, 1e-15);
  EXPECT_NEAR(schedule->at(5, 40).lr, 0.04 + 0.96 * (1 - 0.70710678118654752) / 2, 1e-15);
}

// Below pct_start*total = 1 PyTorch's way down begins before the first step: at pct_start 0.25 of 3
// steps at -0.25, a ninth of the way. At 1 PyTorch divides by zero.
TEST(Torch, WithoutRoomForAWayUpItIsOnItsWayDown) {
  const auto schedule = schedule_of("one_cycle", "policy=torch lr_max=1 pct_start=0.25");
  EXPECT_DOUBLE_EQ(schedule->at(0, 4).lr, 1);
  EXPECT_DOUBLE_EQ(schedule->at(3, 4).lr, 1 / 2.5e5);
  const double final = 1 / 2.5e5;
  EXPECT_NEAR(schedule->at(0, 3).lr, final + (1 - final) / 2 * (1 + std::cos(std::numbers::pi / 9)),
              1e-15);
  EXPECT_DOUBLE_EQ(schedule->at(2, 3).lr, final);
}

TEST(Policies, ARunOfOneStepTakesTheFirstRate) {
  EXPECT_DOUBLE_EQ(schedule_of("one_cycle", "policy=smith lr_max=1")->at(0, 1).lr, 0.1);
  EXPECT_DOUBLE_EQ(schedule_of("one_cycle", "policy=smith_caffe lr_max=1.2")->at(0, 1).lr, 0.1);
  EXPECT_DOUBLE_EQ(schedule_of("one_cycle", "policy=fastai lr_max=1")->at(0, 1).lr, 0.04);
  EXPECT_DOUBLE_EQ(schedule_of("one_cycle", "policy=torch lr_max=1")->at(0, 1).lr, 0.04);
}

}  // namespace
}  // namespace onecycle
