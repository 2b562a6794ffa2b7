// The rules on curves whose edge is known.

#include "tuning/range_test/rules.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "support/places.h"
#include "tuning/range_test/pooled.h"
#include "tuning/range_test/smoothing.h"

#include <cmath>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numeric>
#include <random>
#include <sstream>

namespace onecycle {
namespace {

using testing::HasSubstr;

TEST(FastaiRules, ReturnFastaisValues) {
  std::ifstream file(source_dir() + "/tests/golden/range_rules.txt");
  std::vector<float> lr, losses;
  int cases = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream in(line);
    std::string key;
    in >> key;
    if (key != "lr" && key != "loss" && key != "answers") continue;
    std::vector<double> values;
    for (double value = 0; in >> value;) values.push_back(value);
    if (key == "lr") lr.assign(values.begin(), values.end());
    if (key == "loss") losses.assign(values.begin(), values.end());
    if (key != "answers") continue;
    ++cases;
    const float own[] = {steep_rule(lr, losses), minimum_rule(lr, losses), valley_rule(lr, losses),
                         slide_rule(lr, losses)};
    for (std::size_t i = 0; i < 4; ++i)
      EXPECT_NEAR(static_cast<double>(own[i]), values[i], 1e-6 * values[i])
          << "case " << cases << ", rule " << i;
  }
  EXPECT_EQ(cases, 9);
}

// The two numbers that are said are of one place.
TEST(FastaiRules, MinimumSaysWhereTheLossIsLeast) {
  std::vector<double> lr, losses;
  for (int i = 0; i < 100; ++i) {
    lr.push_back(1e-5 * std::pow(10, 6.0 * i / 99));
    losses.push_back(1 + std::pow(std::log10(lr.back() / 0.05), 2));
  }
  for (const Suggestion& one : fastai_rules(lr, losses, 100)) {
    if (one.rule != "minimum") continue;
    EXPECT_NEAR(*one.lr, 0.005, 0.0005);
    EXPECT_THAT(one.reason, HasSubstr(format("a tenth of {:.3g},", 10 * *one.lr)));
    return;
  }
  FAIL() << "no minimum";
}

std::vector<double> linear_rates(int n, double high) {
  std::vector<double> lr;
  for (int i = 1; i <= n; ++i) lr.push_back(high * i / n);
  return lr;
}

Suggestion by_accuracy(const std::vector<double>& lr, const std::vector<double>& accuracy,
                       const std::string& beyond) {
  return smith_rule(lr, accuracy, tolerance_of_means(accuracy, 1000, Measure::accuracy), beyond);
}

Suggestion on_curve(double edge, double high) {
  const auto lr = linear_rates(60, high);
  std::vector<double> accuracy;
  for (const double rate : lr)
    accuracy.push_back(0.9 * (1 - std::exp(-rate / 0.02)) * (rate < edge ? 1 : edge / rate));
  return by_accuracy(lr, accuracy, "");
}

TEST(SmithRule, FindsAKnownEdge) {
  for (const double edge : {0.1, 0.3, 0.5}) {
    const Suggestion found = on_curve(edge, 1);
    ASSERT_TRUE(found.lr) << found.reason;
    EXPECT_GE(*found.lr, 0.95 * edge);
    EXPECT_LE(*found.lr, 1.15 * edge);
  }
}

TEST(SmithRule, RefusesWithItsReason) {
  const Suggestion low = on_curve(5, 1);
  EXPECT_FALSE(low.lr);
  EXPECT_THAT(low.reason, HasSubstr("range too low"));
  const Suggestion flat =
      by_accuracy(linear_rates(20, 1), std::vector<double>(20, 0.1), "it diverges");
  EXPECT_FALSE(flat.lr);
  EXPECT_THAT(flat.reason, HasSubstr("flat"));
  EXPECT_THAT(by_accuracy({1, 2}, {0.1, 0.2}, "it diverges").reason, HasSubstr("only 2 looks"));
}

TEST(SmithRule, WhatComesAfterTheEndCounts) {
  const auto lr = linear_rates(20, 1);
  std::vector<double> accuracy;
  for (const double rate : lr) accuracy.push_back(0.5 * rate);
  EXPECT_FALSE(by_accuracy(lr, accuracy, "").lr);
  const Suggestion found = by_accuracy(lr, accuracy, "then the loss diverges");
  EXPECT_DOUBLE_EQ(*found.lr, 1);
  EXPECT_THAT(found.reason, HasSubstr("then the loss diverges"));
}

TEST(SmithRule, ADipIsNoFall) {
  const auto lr = linear_rates(30, 1);
  std::vector<double> accuracy(30, 0.8);
  accuracy[0] = 0.2;
  accuracy[10] = accuracy[11] = 0.5;
  for (std::size_t i = 20; i < 30; ++i) accuracy[i] = 0.3;
  EXPECT_DOUBLE_EQ(*by_accuracy(lr, accuracy, "").lr, lr[19]);
}

TEST(SmithRule, OfLossesGoesByTheirOwnNoise) {
  const auto lr = linear_rates(30, 1);
  std::vector<double> worth;
  for (const double rate : lr) worth.push_back(rate <= 0.6 ? -1 / (1 + rate) : -3);
  const Suggestion found =
      smith_rule(lr, worth, tolerance_of_means(worth, 1000, Measure::loss), "", Measure::loss);
  ASSERT_TRUE(found.lr);
  EXPECT_DOUBLE_EQ(*found.lr, lr[17]);
  EXPECT_EQ(found.reason,
            "the held-out loss stays within two standard errors of its best, 0.625, up to here; "
            "then it rises");
  EXPECT_NEAR(tolerance(-0.5, 200, Measure::loss), 0.1, 1e-12);
}

// ---- Losses of the same samples at every look ----

using Losses = std::vector<std::vector<double>>;

// Minus the mean loss at each look.
std::vector<double> worth_of(const Losses& losses) {
  std::vector<double> worth;
  for (const auto& look : losses)
    worth.push_back(-std::accumulate(look.begin(), look.end(), 0.0) /
                    static_cast<double>(look.size()));
  return worth;
}

Losses plus(Losses losses, double constant) {
  for (auto& look : losses)
    for (double& loss : look) loss += constant;
  return losses;
}

Suggestion by_pairs(const std::vector<double>& lr, const Losses& losses) {
  return smith_rule(lr, worth_of(losses), tolerance_of_pairs(std::make_shared<Losses>(losses)), "",
                    Measure::loss);
}

// Differences 1, 0, 2, -1: mean 1/2, squares about it 5, so sqrt(5 / 3 / 4).
TEST(PairedError, ByHand) {
  EXPECT_NEAR(paired_error({1, 2, 3, 4}, {0, 2, 1, 5}), std::sqrt(5.0 / 12), 1e-15);
  EXPECT_EQ(paired_error({101, 102}, {1, 2}), 0) << "all differ alike";
  EXPECT_EQ(paired_error({1}, {2}), HUGE_VAL) << "one sample says nothing of its noise";
  EXPECT_THROW(paired_error({1, 2}, {1}), Error);
}

// Of two samples with differences x and y two standard errors are |x - y|.
TEST(SmithRule, OfPairsByHand) {
  const Losses losses = {{10, 2}, {6, 2}, {4, 1}, {5, 1}, {5, 2}, {7, 3}, {8, 5}};
  for (const double constant : {0.0, -4.0, -100.0, 100.0}) {
    const Losses shifted = plus(losses, constant);
    EXPECT_THAT(
        tolerances_along(worth_of(shifted), tolerance_of_pairs(std::make_shared<Losses>(shifted))),
        testing::ElementsAre(0, 0, 0, 1, 0, 1, 0));
    const Suggestion found = by_pairs({1, 2, 3, 4, 5, 6, 7}, shifted);
    ASSERT_TRUE(found.lr) << found.reason;
    EXPECT_EQ(*found.lr, 4) << constant;
  }
}

TEST(SmithRule, OfPairsRefusesWhatNeverMoves) {
  const Suggestion found = by_pairs(linear_rates(8, 1), Losses(8, {-1.5, 2.5, 0.25}));
  EXPECT_EQ(found.refusal, Suggestion::Refusal::flat) << found.reason;
}

// Squared errors of samples of very different difficulty: a tenth more from .6 on is less than two
// standard errors of 200 such numbers, a fifth, and many of those of their differences.
TEST(SmithRule, OfPairsSeesARiseThatMeansAloneHide) {
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  std::vector<double> difficulty(200);
  for (double& one : difficulty) one = std::pow(normal(random), 2);
  const auto lr = linear_rates(40, 1);
  Losses losses;
  for (const double rate : lr) {
    const double mean = rate < 0.6 ? 1 + 0.5 * (0.6 - rate) : 1 + 0.25 * (rate - 0.6);
    std::vector<double>& look = losses.emplace_back();
    for (const double one : difficulty) look.push_back(one * mean + 0.02 * normal(random));
  }
  const auto worth = worth_of(losses);
  EXPECT_EQ(smith_rule(lr, worth, tolerance_of_means(worth, 200, Measure::loss), "", Measure::loss)
                .refusal,
            Suggestion::Refusal::too_low);
  for (const double constant : {0.0, -2.0}) {
    const Suggestion found = by_pairs(lr, plus(losses, constant));
    ASSERT_TRUE(found.lr) << found.reason;
    EXPECT_GE(*found.lr, 0.55) << constant;
    EXPECT_LE(*found.lr, 0.65) << constant;
  }
}

// Ten looks at three samples whose losses are a line over log(rate), which smoothing keeps: the
// errors are those of the line's.
SweepCurve lines_over_rates(double constant) {
  SweepCurve curve;
  curve.measure = Measure::loss;
  curve.held_out = 3;
  for (int i = 0; i < 10; ++i) {
    SweepPoint point;
    point.step = i;
    point.lr = std::pow(10, -2 + 0.1 * i);
    for (const float slope : {1.0F, 2.0F, 4.0F})
      point.sample_losses.push_back(static_cast<float>(constant) - slope * static_cast<float>(i));
    point.held_out_loss = constant - 7.0 / 3 * i;
    curve.points.push_back(point);
  }
  return curve;
}

TEST(PooledSweeps, SmoothTheLossOfEachSample) {
  const SweepCurve curve = lines_over_rates(0);
  const PooledSweeps pooled = pool({&curve});
  ASSERT_TRUE(pooled.sample_losses);
  ASSERT_EQ(pooled.sample_losses->size(), 10U);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_NEAR((*pooled.sample_losses)[i][2], -4.0 * static_cast<double>(i), 1e-6);
    EXPECT_NEAR(pooled.points[i].held_out_loss.value, -7.0 / 3 * static_cast<double>(i), 1e-6);
  }
  // Slopes 1, 2, 4: squares about 7/3 are 14/3.
  EXPECT_NEAR(pooled.tolerance()(9, 4) / 2, 5 * std::sqrt(14.0 / 3 / 2 / 3), 1e-6);
  const SweepCurve below = lines_over_rates(-64);
  EXPECT_NEAR(pool({&below}).tolerance()(9, 4), pooled.tolerance()(9, 4), 1e-6);
}

// Another seed looks at the same samples, which are not more for that.
TEST(PooledSweeps, SeedsShareTheirSamples) {
  const SweepCurve curve = lines_over_rates(0);
  const PooledSweeps one = pool({&curve});
  const PooledSweeps two = pool({&curve, &curve});
  EXPECT_NEAR(two.tolerance()(9, 4), one.tolerance()(9, 4), 1e-6);
}

// Unbounded losses of a sweep that blows up would drag the smoothed ones before them below the
// best, and their noise would excuse them.
TEST(PooledSweeps, WorseThanUntrainedIsUntrained) {
  SweepCurve curve = lines_over_rates(100);
  for (std::size_t i = 6; i < curve.points.size(); ++i) {
    SweepPoint& point = curve.points[i];
    point.sample_losses = {1e6F, 90.0F, 3e9F};
    point.held_out_loss = (1e6 + 90 + 3e9) / 3;
  }
  const PooledSweeps pooled = pool({&curve});
  EXPECT_NEAR(pooled.points.back().held_out_loss.value, (100.0 + 90 + 100) / 3, 2);
  EXPECT_GT(pooled.points[5].held_out_loss.value, 80) << "the best is 88.3";
  EXPECT_NEAR((*pooled.sample_losses).back()[2], 100, 2);
}

TEST(PooledSweeps, LossesThatMayBeNegativeNeedThoseOfTheSamples) {
  const SweepCurve curve = lines_over_rates(100);
  SweepCurve without = curve;
  for (SweepPoint& point : without.points) point.sample_losses.clear();
  EXPECT_FALSE(pool({&curve, &without}).sample_losses);
  without.loss_may_be_negative = true;
  EXPECT_THROW(pool({&curve, &without}), Error);
  without.loss_may_be_negative = false;
  without.points.back().held_out_loss = -1;
  EXPECT_THROW(pool({&without}), Error);
  without.measure = Measure::accuracy;
  EXPECT_NO_THROW(pool({&without}));
}

// method.md: a causal average reads 1.29 off a curve whose least loss is at .079.
TEST(Smoothing, DoesNotLag) {
  std::vector<double> lr, loss, causal;
  CausalAverage average;
  for (int i = 0; i < 100; ++i) {
    lr.push_back(1e-7 * std::pow(10, 8.0 * i / 99));
    const double x = std::log10(lr.back() / 0.079);
    loss.push_back(2 + 0.5 * x * x);
    causal.push_back(average.add(loss.back()));
  }
  const auto at_least = [&](const std::vector<double>& values) {
    return lr[static_cast<std::size_t>(std::min_element(values.begin(), values.end()) -
                                       values.begin())];
  };
  EXPECT_NEAR(std::log10(at_least(smoothed_over_lr(lr, loss, lr))), std::log10(0.079), 0.05);
  EXPECT_GT(at_least(causal), 3 * 0.079);
}

TEST(Smoothing, KeepsALineAndCorrectsItsStart) {
  std::vector<double> lr, line;
  for (int i = 0; i < 40; ++i) {
    lr.push_back(std::pow(10, -4 + 0.1 * i));
    line.push_back(3 - 0.7 * std::log10(lr.back()));
  }
  const auto smoothed = smoothed_over_lr(lr, line, lr);
  for (std::size_t i = 0; i < lr.size(); ++i) EXPECT_NEAR(smoothed[i], line[i], 1e-9);
  CausalAverage average;
  EXPECT_DOUBLE_EQ(average.add(2.5), 2.5);
  EXPECT_NEAR(average.add(1.5), (0.98 * 2.5 + 1.5) / 1.98, 1e-12);
}

TEST(RoundedDown, TwoDigits) {
  EXPECT_DOUBLE_EQ(rounded_down(0.1294), 0.12);
  EXPECT_DOUBLE_EQ(rounded_down(0.12), 0.12);
  EXPECT_DOUBLE_EQ(rounded_down(3.99), 3.9);
}

}  // namespace
}  // namespace onecycle
