// The range test's procedure over sweeps made up by formula: where it looks, when it goes on, what
// it answers.

#include "tuning/range_test/range_end.h"
#include "tuning/range_test/range_test.h"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

namespace onecycle {
namespace {

using ::testing::HasSubstr;

constexpr double kGuessing = 2.3;

// Accuracy and loss at a rate, in a sweep that ends at `high`, by the seed.
using Accuracy = std::function<double(double lr, double high, std::int64_t seed)>;

SweepWith made_up(const Accuracy& accuracy, double loss_minimum,
                  std::vector<double>* ends = nullptr) {
  return [=](std::int64_t seed, const Sweep& plan) {
    SeededSweep made{seed, {}};
    made.curve.held_out = 1000;
    if (ends != nullptr && plan.shape == SweepShape::linear) ends->push_back(plan.high);
    for (std::int64_t step = 0; step < plan.steps; ++step) {
      const double p = static_cast<double>(step) / static_cast<double>(plan.steps - 1);
      const double lr = plan.shape == SweepShape::linear
                            ? plan.low + p * (plan.high - plan.low)
                            : plan.low * std::pow(plan.high / plan.low, p);
      SweepPoint point{step, lr, 0.9, 0, {}, {}};
      point.train_loss = plan.shape == SweepShape::linear
                             ? kGuessing * (1 - accuracy(lr, plan.high, seed))
                             : 2 + 0.2 * std::abs(std::log10(lr / loss_minimum));
      if (plan.evaluate_every > 0 && (step + 1) % plan.evaluate_every == 0) {
        point.held_out_metric = accuracy(lr, plan.high, seed);
        point.held_out_loss = 1 - *point.held_out_metric;
      }
      made.curve.points.push_back(point);
    }
    return made;
  };
}

RangeTestOptions few_steps() {
  RangeTestOptions options;
  options.steps = 200;
  return options;
}

// What guesses among ten classes are worth on 300 samples, as a draw for each eighth of a sweep:
// the set's own, and the same whenever it is asked.
Accuracy noise_of(std::uint32_t set) {
  return [set](double lr, double high, std::int64_t seed) {
    std::seed_seq numbers{
        set, static_cast<std::uint32_t>(seed),
        static_cast<std::uint32_t>(std::lround(1e6 * std::log10(high)) + 100000000),
        static_cast<std::uint32_t>(8 * lr / high)};
    std::mt19937 random(numbers);
    return std::binomial_distribution<int>(300, 0.1)(random) / 300.0;
  };
}

TEST(RangeProcedure, NoiseIsNoBetterThanGuessing) {
  const auto guessing = [] { return Guessing{300, 0.11}; };
  int believed = 0;
  int refused = 0;
  for (std::uint32_t set = 0; set < 40; ++set) {
    const SweepWith sweeps = made_up(noise_of(set), 0.1);
    believed += range_test_over(sweeps, few_steps()).lr_max ? 1 : 0;
    const RangeTest test = range_test_over(sweeps, few_steps(), guessing);
    EXPECT_FALSE(test.lr_max) << set;
    EXPECT_FALSE(test.refused.empty());
    if (test.suggestions[0].refusal != Suggestion::Refusal::guessing) continue;
    ++refused;
    EXPECT_THAT(test.refused, HasSubstr("no better than guessing"));
    EXPECT_TRUE(test.seed_numbers.empty());
  }
  EXPECT_GT(believed, 3) << "noise enough to be believed";
  EXPECT_EQ(refused, believed);
}

// The other answers do not ask.
TEST(RangeProcedure, WhatIsBetterThanGuessingIsAnsweredAsBefore) {
  const auto falls = [](double lr, double, std::int64_t) { return lr < 0.2 ? 0.3 : 0.2; };
  const auto guessing = [] { return Guessing{300, 0.11}; };
  const RangeTest before = range_test_over(made_up(falls, 0.1), few_steps());
  const RangeTest now = range_test_over(made_up(falls, 0.1), few_steps(), guessing);
  ASSERT_TRUE(before.lr_max);
  EXPECT_EQ(now.lr_max, before.lr_max);
}

TEST(RangeProcedure, FindsAFallInsideTheFirstRange) {
  const auto falls = [](double lr, double, std::int64_t) { return lr < 0.2 ? 0.6 : 0.2; };
  std::vector<double> ends;
  const RangeTest test = range_test_over(made_up(falls, 0.1, &ends), few_steps());
  ASSERT_TRUE(test.lr_max) << test.refused;
  EXPECT_GT(*test.lr_max, 0.13);
  EXPECT_LT(*test.lr_max, 0.24);
  EXPECT_EQ(std::count(ends.begin(), ends.end(), ends[0]), 3);  // a sweep a seed
  EXPECT_LT(*std::max_element(ends.begin(), ends.end()), 1.01) << "the next one confirms it";
  EXPECT_FALSE(test.uncertain);
}

// Samples of different difficulty, each with the loss of minus the log of a density.
TEST(RangeProcedure, OfLossesIsTheSameForAnyConstantAdded) {
  const SweepWith whole =
      made_up([](double lr, double, std::int64_t) { return lr < 0.2 ? 0.3 + 1.5 * lr : 0.2; }, 0.1);
  std::vector<double> found;
  for (const double constant : {0.0, 8.0, -8.0}) {
    const RangeTest test = range_test_over(
        [&](std::int64_t seed, const Sweep& plan) {
          SeededSweep made = whole(seed, plan);
          made.curve.measure = Measure::loss;
          made.curve.held_out = 4;
          for (SweepPoint& point : made.curve.points) {
            if (!point.held_out_loss) continue;
            for (const double difficulty : {0.5, 1.0, 1.25, 1.25})
              point.sample_losses.push_back(
                  static_cast<float>(constant + difficulty * *point.held_out_loss));
            *point.held_out_loss += constant;
          }
          return made;
        },
        few_steps());
    ASSERT_TRUE(test.lr_max) << test.refused;
    EXPECT_THAT(test.suggestions[0].reason, HasSubstr("held-out loss"));
    EXPECT_TRUE(test.smoothed.back().standard_error);
    found.push_back(*test.lr_max);
  }
  EXPECT_GT(found[0], 0.13);
  EXPECT_LT(found[0], 0.24);
  EXPECT_THAT(found, ::testing::Each(found[0]));
}

TEST(RangeProcedure, SweepsOnUntilThereIsAFall) {
  const auto falls = [](double lr, double, std::int64_t) {
    return lr < 0.05 ? 0.3 : lr < 2 ? 0.6 : 0.2;
  };
  const RangeTest test = range_test_over(made_up(falls, 0.1), few_steps());
  ASSERT_TRUE(test.lr_max) << test.refused;
  EXPECT_GT(*test.lr_max, 1.3);
  EXPECT_LT(*test.lr_max, 2.4);
}

// Sweeps that end at 1 reach 1.7 points less than the shortest, where up to 2 sqrt(.6 .4 /
// 3000), 1.8 points, are noise, and seeds differ by .4: both answers are said. Of .2 points less
// there is no doubt.
TEST(RangeProcedure, ACloseCallSaysBothAnswers) {
  const auto answer = [](double points) {
    const SweepWith whole = made_up(
        [=](double lr, double high, std::int64_t seed) {
          if (high > 1.1) return 0.2;
          const double apart = high > 0.5 ? 0.004 * static_cast<double>(seed - 1) : 0;
          const double best = high > 0.25 ? 0.6 - points / 100 : 0.6;
          return (best + apart) * std::min(1.0, 0.5 + lr / high);
        },
        0.1);
    return range_test_over(
        [&](std::int64_t seed, const Sweep& plan) {
          SeededSweep made = whole(seed, plan);
          if (plan.shape == SweepShape::linear && plan.high > 1.1) made.curve.stopped = "diverged";
          return made;
        },
        few_steps());
  };
  const RangeTest close = answer(1.7);
  ASSERT_TRUE(close.lr_max) << close.refused;
  EXPECT_DOUBLE_EQ(*close.lr_max, 1);
  ASSERT_TRUE(close.lr_other);
  EXPECT_DOUBLE_EQ(*close.lr_other, 0.56);
  EXPECT_THAT(close.words.back(), HasSubstr("sweeps that end at 1 reach 1.7 points less"));
  const RangeTest clear = answer(0.2);
  ASSERT_TRUE(clear.lr_max);
  EXPECT_DOUBLE_EQ(*clear.lr_max, 1);
  EXPECT_FALSE(clear.lr_other);
}

// .04 points more than the other, where seeds differ by 2.5: it is the best, and reaches 0 less.
TEST(RangeProcedure, ACloseCallOfTheBestEndIsNothingLess) {
  const auto end_of = [](double high, double reach, const std::vector<double>& of_seeds) {
    RangeEnd end{high};
    end.pooled.points.resize(1);
    end.pooled.points[0].held_out_metric.value = reach;
    end.pooled.samples = 3000;
    end.seed_reaches = of_seeds;
    return end;
  };
  const RangeEnd best = end_of(1, 0.6, {0.6, 0.62, 0.58});
  const auto close = close_call(best, {best, end_of(0.5, 0.5996, {0.55, 0.65, 0.6})});
  ASSERT_TRUE(close);
  EXPECT_EQ(close->less, 0);
  EXPECT_THAT(close_call_text(*close, 1, 0.56, Measure::accuracy),
              HasSubstr("reach 0.0 points less than the best"));
}

// Networks with batch norm under no decay: no rate makes accuracy fall, but a steeper sweep reaches
// less. Each step down is within the noise of the one before; together they are not. The number
// goes by where sweeps end that learn most.
TEST(RangeProcedure, ASteeperSweepThatReachesLessHasGoneTooFar) {
  const auto accuracy = [](double lr, double high, std::int64_t) {
    const double best = 0.51 - 0.024 * std::pow(std::log(high / 0.3) / std::log(3), 2);
    return best * std::min(1.0, 0.5 + lr / high);
  };
  std::vector<double> ends;
  const RangeTest test = range_test_over(made_up(accuracy, 0.1, &ends), few_steps());
  ASSERT_TRUE(test.lr_max) << test.refused;
  EXPECT_GE(*test.lr_max, 0.4);
  EXPECT_LE(*test.lr_max, 0.5);
  EXPECT_LE(*std::max_element(ends.begin(), ends.end()), 3.2);
  EXPECT_THAT(test.words.back(), HasSubstr("by where they end"));
}

// The first seed falls by accident; the others show that it was one.
TEST(RangeProcedure, OneSeedsFallIsNotAllSeeds) {
  const auto accuracy = [](double lr, double high, std::int64_t seed) {
    if (lr >= 2) return 0.1;
    if (lr < 0.05) return 0.3;  // still learning
    return seed == 0 && high < 0.4 && lr > 0.25 ? 0.555 : 0.6;
  };
  const RangeTest test = range_test_over(made_up(accuracy, 0.1), few_steps());
  ASSERT_TRUE(test.lr_max) << test.refused;
  EXPECT_GT(*test.lr_max, 1.3);
}

// The coarse sweep was misled: to where it pointed, nothing is learnt any more.
TEST(RangeProcedure, ARangeThatBeganTooSteeplyIsShortened) {
  const auto accuracy = [](double lr, double high, std::int64_t) {
    if (high > 1) return 0.11;
    return 0.2 + 0.4 * std::min(1.0, 2 * lr / high);
  };
  const RangeTest test = range_test_over(made_up(accuracy, 1.5), few_steps());
  ASSERT_TRUE(test.lr_max) << test.refused;
  EXPECT_GE(*test.lr_max, 0.5);
  EXPECT_LE(*test.lr_max, 1.2);
}

// A network that was trained before has nothing to gain at low rates: its accuracy is flat there.
TEST(RangeProcedure, WhatIsLearntAlreadyIsNoReasonToGoLower) {
  const auto accuracy = [](double lr, double, std::int64_t) { return lr < 0.2 ? 0.99 : 0.3; };
  const RangeTest test = range_test_over(made_up(accuracy, 0.001), few_steps());
  ASSERT_TRUE(test.lr_max) << test.refused;
  EXPECT_GT(*test.lr_max, 0.13);
  EXPECT_LT(*test.lr_max, 0.24);
}

TEST(RangeProcedure, ANetworkThatNeverLearnsIsRefused) {
  const auto chance = [](double, double, std::int64_t) { return 0.1; };
  const RangeTest test = range_test_over(made_up(chance, 0.1), few_steps());
  EXPECT_FALSE(test.lr_max);
  EXPECT_THAT(test.refused, HasSubstr("flat"));
}

// Farther sweeps reach as much, but diverge after a few looks: too few to read a number off.
TEST(RangeProcedure, SweepsThatDivergeAtOnceAreTooFar) {
  const SweepWith whole = made_up(
      [](double lr, double high, std::int64_t) { return 0.3 + 0.3 * std::min(1.0, 8 * lr / high); },
      0.1);
  const RangeTest test = range_test_over(
      [&](std::int64_t seed, const Sweep& plan) {
        SeededSweep made = whole(seed, plan);
        if (plan.shape != SweepShape::linear || plan.high < 2) return made;
        made.curve.points.resize(40);
        made.curve.stopped = "diverged";
        return made;
      },
      few_steps());
  ASSERT_TRUE(test.lr_max) << test.refused;
  EXPECT_GT(*test.lr_max, 0.9);
  EXPECT_LT(*test.lr_max, 2);
}

TEST(RangeProcedure, AnInterruptedSweepEndsIt) {
  const SweepWith whole = made_up([](double, double, std::int64_t) { return 0.5; }, 0.1);
  int sweeps = 0;
  const RangeTest test = range_test_over(
      [&](std::int64_t seed, const Sweep& plan) {
        SeededSweep made = whole(seed, plan);
        made.curve.interrupted = ++sweeps == 3;
        return made;
      },
      few_steps());
  EXPECT_EQ(sweeps, 3);
  EXPECT_FALSE(test.lr_max);
}

TEST(RangeProcedure, ARangeThatIsGivenIsKept) {
  const auto steady = [](double lr, double high, std::int64_t) { return 0.3 + 0.3 * lr / high; };
  RangeTestOptions options = few_steps();
  options.high = 0.5;
  std::vector<double> ends;
  const RangeTest test = range_test_over(made_up(steady, 0.1, &ends), options);
  EXPECT_FALSE(test.lr_max);
  EXPECT_THAT(test.refused, HasSubstr("range too low"));
  EXPECT_THAT(ends, ::testing::Each(0.5));
}

TEST(RangeProcedure, AccuracyAndLossFarApartAreUncertain) {
  const auto falls = [](double lr, double, std::int64_t) { return lr < 0.2 ? 0.6 : 0.2; };
  RangeTestOptions options = few_steps();
  options.high = 0.3;
  EXPECT_FALSE(range_test_over(made_up(falls, 0.1), options).uncertain);
  EXPECT_TRUE(range_test_over(made_up(falls, 0.001), options).uncertain);
}

}  // namespace
}  // namespace onecycle
