// Losses and metrics against arithmetic of their own.

#include "onecycle/task.h"

#include "train/step/sums.h"

#include <cmath>
#include <gtest/gtest.h>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

Score score_of(const Task& task, const std::vector<std::pair<at::Tensor, Batch>>& batches) {
  Sums sums(at::kCPU);
  for (const auto& [outputs, batch] : batches)
    task.add(task.held_out_loss(outputs, batch).to(at::kFloat), outputs, batch, sums);
  return score_between({}, sums.read(), task);
}

TEST(Regression, LossAndMetricsAreMeansOverSamples) {
  const auto task = regression();
  const at::Tensor first = at::tensor({1.0f, 2.0f, 5.0f}).view({3, 1});
  const at::Tensor second = at::tensor({4.0f}).view({1, 1});
  const Score score = score_of(*task, {{first, {at::Tensor(), at::zeros({3, 1}), {}, 3}},
                                       {second, {at::Tensor(), at::zeros({1, 1}), {}, 1}}});
  EXPECT_EQ(score.samples, 4);
  EXPECT_NEAR(score.loss, (1 + 4 + 25 + 16) / 4.0, 1e-6);
  EXPECT_NEAR(score.metric(), std::sqrt((1 + 4 + 25 + 16) / 4.0), 1e-6);
  EXPECT_NEAR(score.metrics.at(1), (1 + 2 + 5 + 4) / 4.0, 1e-6);
  EXPECT_FALSE(task->metrics().front().larger_is_better);
}

TEST(Regression, PaddingRowsDoNotCount) {
  const at::Tensor outputs = at::tensor({1.0f, 2.0f, 1e30f}).view({3, 1});
  const Score score =
      score_of(*regression(), {{outputs, {at::Tensor(), at::zeros({3, 1}), {}, 2}}});
  EXPECT_EQ(score.samples, 2);
  EXPECT_NEAR(score.loss, 2.5, 1e-6);
  EXPECT_NEAR(score.metrics.at(1), 1.5, 1e-6);
}

TEST(Regression, AMixIsTheWeightedLoss) {
  const at::Tensor outputs = at::tensor({1.0f, 3.0f}).view({2, 1});
  const Batch batch{at::Tensor(), at::zeros({2, 1}),
                    Mix{at::ones({2, 1}), at::tensor({0.75f, 0.5f})}, 2};
  EXPECT_NEAR(regression()->loss(outputs, batch).item<double>(),
              ((.75 * 1 + .25 * 0) + (.5 * 9 + .5 * 4)) / 2, 1e-6);
}

TEST(Regression, TheFirstBadBatchIsKept) {
  const auto task = regression();
  Sums sums(at::kCPU);
  const Batch batch{at::Tensor(), at::zeros({1, 1}), {}, 1};
  for (const float loss : {1.0f, HUGE_VALF, 1.0f, NAN})
    task->add(at::scalar_tensor(loss, at::kFloat), at::zeros({1, 1}), batch, sums);
  EXPECT_EQ(sums.read().first_bad, 1);
  EXPECT_EQ(sums.read().batches, 4);
}

// Broadcasting would make a loss of nearly anything.
TEST(Regression, OtherSizesAreRefused) {
  const Batch batch{at::Tensor(), at::zeros({4}), {}, 4};
  EXPECT_ANY_THROW(regression()->loss(at::zeros({4, 1}), batch));
}

TEST(Classification, SmoothingAndMixingAreForTrainingAlone) {
  const at::Tensor logits = at::tensor({2.0f, 0.0f, 1.0f}).view({1, 3});
  const double total = std::exp(2.0) + 1 + std::exp(1.0);
  const std::vector<double> losses = {-std::log(std::exp(2.0) / total), -std::log(1 / total),
                                      -std::log(std::exp(1.0) / total)};
  const auto task = classification(3, 0.3);
  Batch batch{at::Tensor(), at::zeros({1}, at::kLong), {}, 1};
  EXPECT_NEAR(task->held_out_loss(logits, batch).item<double>(), losses[0], 1e-6);
  const double uniform = 0.1 * (losses[0] + losses[1] + losses[2]);
  EXPECT_NEAR(task->loss(logits, batch).item<double>(), 0.7 * losses[0] + uniform, 1e-6);
  batch.mix = Mix{at::full({1}, 2, at::kLong), at::tensor({0.6f})};
  EXPECT_NEAR(task->loss(logits, batch).item<double>(),
              0.6 * (0.7 * losses[0] + uniform) + 0.4 * (0.7 * losses[2] + uniform), 1e-6);
  EXPECT_NEAR(task->guessing_loss().value(), std::log(3), 1e-12);
}

class Silent : public Task {
 public:
  explicit Silent(std::optional<TargetKind> targets) : targets_(targets) {}
  at::Tensor loss(const at::Tensor& outputs, const Batch&) const override { return outputs.sum(); }
  at::Tensor held_out_loss(const at::Tensor& outputs, const Batch&) const override {
    return outputs.sum();
  }
  std::vector<Metric> metrics() const override { return {}; }
  std::optional<TargetKind> targets() const override { return targets_; }

 private:
  std::optional<TargetKind> targets_;
};

TEST(PredictionsByDefault, AreThoseOfTheTargets) {
  const at::Tensor outputs = at::tensor({0.0f, std::log(3.0f)}).view({1, 2});
  const auto second = [&](std::optional<TargetKind> targets) {
    return Silent(targets).predictions(outputs)[0][1].item<double>();
  };
  EXPECT_NEAR(second({}), 3.0 / 4, 1e-6) << "3 / (1 + 3)";
  EXPECT_NEAR(second(TargetKind::classes), 3.0 / 4, 1e-6);
  EXPECT_NEAR(second(TargetKind::labels), 3.0 / 4, 1e-6);
  EXPECT_NEAR(Silent(TargetKind::labels).predictions(outputs)[0][0].item<double>(), .5, 1e-6);
  EXPECT_NEAR(second(TargetKind::values), std::log(3.0), 1e-6);
}

TEST(Goals, AMetricMayBeBetterLower) {
  const std::vector<Metric> error = {{"mae", "mae", false, false}};
  EXPECT_EQ(goal_of(false, error), Goal::lower_metric);
  EXPECT_EQ(goal_of(true, error), Goal::lower_loss);
  EXPECT_EQ(goal_of(false, {}), Goal::lower_loss);
  const auto best = improvement({1, {0.5}, 10}, Goal::lower_metric, std::nullopt);
  ASSERT_TRUE(best);
  EXPECT_TRUE(improvement({1, {0.4}, 10}, Goal::lower_metric, best));
  EXPECT_FALSE(improvement({1, {0.6}, 10}, Goal::lower_metric, best));
  EXPECT_FALSE(improvement({NAN, {0.1}, 10}, Goal::lower_metric, best));
}

}  // namespace
}  // namespace onecycle
