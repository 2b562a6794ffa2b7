// What knows nothing of its inputs, by hand, and what beats it.

#include "tuning/range_test/guessing.h"

#include "onecycle/task.h"

#include "support/places.h"

#include <cmath>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <random>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;

Run held_out_run(std::shared_ptr<const Task> task, const at::Tensor& targets) {
  Run run;
  run.task = std::move(task);
  run.validation = tensor_source(at::zeros({targets.size(0), 2}), targets);
  return run;
}

TEST(Guessing, OfClassesIsTheirShares) {
  const at::Tensor labels = at::tensor(std::vector<std::int64_t>{0, 0, 1, 2, 3, 3});
  const Guessing found = guessing_on(held_out_run(classification(4), labels), 4);
  EXPECT_EQ(found.samples, 4);
  ASSERT_TRUE(found.accuracy);
  EXPECT_DOUBLE_EQ(*found.accuracy, 0.5) << "of the first four";
  EXPECT_THAT(found.losses,
              ElementsAre(DoubleNear(std::log(2), 1e-4), DoubleNear(std::log(2), 1e-4),
                          DoubleNear(std::log(4), 1e-4), DoubleNear(std::log(4), 1e-4)));
}

TEST(Guessing, OfValuesIsTheirMean) {
  const at::Tensor values = at::tensor({1.0F, 2.0F, 3.0F, 6.0F}).view({4, 1});
  const Guessing found = guessing_on(held_out_run(regression(), values), 1000);
  EXPECT_FALSE(found.accuracy);
  EXPECT_THAT(found.losses, ElementsAre(DoubleNear(4, 1e-6), DoubleNear(1, 1e-6),
                                        DoubleNear(0, 1e-6), DoubleNear(9, 1e-6)));
}

// The mean and the variance, 3.5: (log v + e^2 / v) / 2.
TEST(Guessing, OfADensityIsThatOfTheTargets) {
  const at::Tensor values = at::tensor({1.0F, 2.0F, 3.0F, 6.0F}).view({4, 1});
  RegressionOptions options;
  options.loss = RegressionLoss::gaussian_nll;
  const Guessing found = guessing_on(held_out_run(regression(options), values), 1000);
  ASSERT_EQ(found.losses.size(), 4U);
  EXPECT_NEAR(found.losses[0], (std::log(3.5) + 4 / 3.5) / 2, 1e-3);
  EXPECT_NEAR(found.losses[2], std::log(3.5) / 2, 1e-3);
}

TEST(Guessing, OfLabelsIsHowOftenEachIs) {
  const at::Tensor labels =
      at::tensor({1.0F, 0.0F, 0.0F, 0.0F, 1.0F, 1.0F, 0.0F, 0.0F}).view({4, 2});
  const Guessing found = guessing_on(held_out_run(multi_label(2), labels), 1000);
  EXPECT_FALSE(found.accuracy);
  ASSERT_EQ(found.losses.size(), 4U);
  const double one_in_two = std::log(2);
  EXPECT_NEAR(found.losses[0], (one_in_two - std::log(0.75)) / 2, 1e-4);
  EXPECT_NEAR(found.losses[2], (one_in_two - std::log(0.25)) / 2, 1e-4);
}

// statistics.NormalDist().inv_cdf(1 - .01 / n) of Python
TEST(ByChance, IsTheNormalQuantile) {
  EXPECT_NEAR(largest_by_chance(1), 2.3263478740408408, 1e-9);
  EXPECT_NEAR(largest_by_chance(20), 3.2905267314919255, 1e-9);
  EXPECT_NEAR(largest_by_chance(200), 3.89059188641312, 1e-9);
  EXPECT_NEAR(accuracy_by_chance(0.1, 900, 20), 0.1 + 3.2905267314919255 * 0.01, 1e-9);
  EXPECT_EQ(accuracy_by_chance(1, 900, 20), 1) << "all of one class";
}

// Squared errors of looks at 300 values: predictions that have nothing to do with them, and ones
// that explain half of their variance.
TEST(ByChance, LossesOfNoiseAreNotLess) {
  constexpr int kLooks = 40;
  for (unsigned seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    std::normal_distribution<double> normal;
    std::vector<double> target(300);
    double mean = 0;
    for (double& one : target) mean += (one = normal(random)) / 300;
    std::vector<double> constant;
    std::vector<double> explained;
    for (const double one : target) {
      constant.push_back(std::pow(one - mean, 2));
      explained.push_back(std::pow(one - (one + normal(random)) / 2, 2));
    }
    EXPECT_TRUE(less_than_by_chance(explained, constant, kLooks)) << seed;
    for (int look = 0; look < kLooks; ++look) {
      std::vector<double> losses;
      const double reach = 0.01 * (1 + look);
      for (const double one : target)
        losses.push_back(std::pow(one - mean - reach * normal(random), 2));
      EXPECT_FALSE(less_than_by_chance(losses, constant, kLooks)) << seed << ", look " << look;
    }
  }
}

// Where the most frequent class has nine samples of ten, accuracy says little, and losses may.
TEST(ByChance, LossesTellWhereAccuracyCannot) {
  PooledSweeps sweeps;
  sweeps.points.resize(1);
  sweeps.points[0].held_out_metric.value = 0.9;
  std::vector<double> constant(100, 0.1);
  std::vector<double> better(100, 0.05);
  for (std::size_t i = 0; i < 10; ++i) constant[i] = 2.3, better[i] = 1.1;
  EXPECT_THAT(no_better_than_guessing(sweeps, {100, 0.9, constant}, 20),
              HasSubstr("no better than guessing"));
  sweeps.sample_losses = std::make_shared<std::vector<std::vector<double>>>(1, better);
  EXPECT_EQ(no_better_than_guessing(sweeps, {100, 0.9, constant}, 20), "");
  EXPECT_EQ(no_better_than_guessing(sweeps, {}, 20), "") << "nothing is known";
}

// The range tests of which bench/curves has the looks, at 1,000 samples of ten classes.
TEST(ByChance, RecordedSweepsAreBetterThanGuessing) {
  for (const char* name : {"quickstart", "cnn3-cifar10", "resnet20-cifar10"}) {
    std::ifstream file(source_dir() + "/bench/curves/" + name + ".json");
    const auto recorded = nlohmann::json::parse(file);
    for (const auto& one : recorded.at("curves")) {
      SweepCurve curve;
      curve.held_out = 1000;
      for (const auto& look : one.at("looks")) {
        SweepPoint point;
        point.lr = look.at(0);
        point.held_out_metric = look.at(1);
        curve.points.push_back(point);
      }
      ASSERT_GT(curve.points.size(), 10U);
      EXPECT_EQ(no_better_than_guessing(pool({&curve}), {1000, 0.12}, 400), "") << name;
    }
  }
}

}  // namespace
}  // namespace onecycle
