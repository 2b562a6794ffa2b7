// The rules on curves whose edge is known.

#include "tuning/range_test/rules.h"

#include "support/places.h"
#include "tuning/range_test/smoothing.h"

#include <cmath>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
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

std::vector<double> linear_rates(int n, double high) {
  std::vector<double> lr;
  for (int i = 1; i <= n; ++i) lr.push_back(high * i / n);
  return lr;
}

Suggestion on_curve(double edge, double high) {
  const auto lr = linear_rates(60, high);
  std::vector<double> accuracy;
  for (const double rate : lr)
    accuracy.push_back(0.9 * (1 - std::exp(-rate / 0.02)) * (rate < edge ? 1 : edge / rate));
  return smith_rule(lr, accuracy, 1000, "");
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
      smith_rule(linear_rates(20, 1), std::vector<double>(20, 0.1), 1000, "it diverges");
  EXPECT_FALSE(flat.lr);
  EXPECT_THAT(flat.reason, HasSubstr("flat"));
  EXPECT_THAT(smith_rule({1, 2}, {0.1, 0.2}, 10, "it diverges").reason, HasSubstr("only 2 looks"));
}

TEST(SmithRule, WhatComesAfterTheEndCounts) {
  const auto lr = linear_rates(20, 1);
  std::vector<double> accuracy;
  for (const double rate : lr) accuracy.push_back(0.5 * rate);
  EXPECT_FALSE(smith_rule(lr, accuracy, 1000, "").lr);
  const Suggestion found = smith_rule(lr, accuracy, 1000, "then the loss diverges");
  EXPECT_DOUBLE_EQ(*found.lr, 1);
  EXPECT_THAT(found.reason, HasSubstr("then the loss diverges"));
}

TEST(SmithRule, ADipIsNoFall) {
  const auto lr = linear_rates(30, 1);
  std::vector<double> accuracy(30, 0.8);
  accuracy[0] = 0.2;
  accuracy[10] = accuracy[11] = 0.5;
  for (std::size_t i = 20; i < 30; ++i) accuracy[i] = 0.3;
  EXPECT_DOUBLE_EQ(*smith_rule(lr, accuracy, 1000, "").lr, lr[19]);
}

TEST(SmithRule, OfLossesGoesByTheirOwnNoise) {
  const auto lr = linear_rates(30, 1);
  std::vector<double> worth;
  for (const double rate : lr) worth.push_back(rate <= 0.6 ? -1 / (1 + rate) : -3);
  const Suggestion found = smith_rule(lr, worth, 1000, "", Measure::loss);
  ASSERT_TRUE(found.lr);
  EXPECT_DOUBLE_EQ(*found.lr, lr[17]);
  EXPECT_EQ(found.reason,
            "the held-out loss stays within two standard errors of its best, 0.625, up to here; "
            "then it rises");
  EXPECT_NEAR(tolerance(-0.5, 200, Measure::loss), 0.1, 1e-12);
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
