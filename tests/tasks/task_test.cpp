// Losses and metrics against arithmetic of their own.

#include "onecycle/task.h"

#include "onecycle/error.h"

#include "train/step/sums.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

using ::testing::StrEq;
using ::testing::ThrowsMessage;

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

// Statistics of one value would be spread over all, those of two over any last dimension.
TEST(Regression, StatisticsAreOfEachValueOfASample) {
  const auto task_of = [](std::vector<double> std) {
    RegressionOptions options;
    options.targets.mean.assign(std.size(), 1);
    options.targets.std = std::move(std);
    return regression(options);
  };
  EXPECT_THROW(task_of({2})->predictions(at::ones({3, 2})), DataError);
  EXPECT_THROW(task_of({2, 3})->predictions(at::ones({4, 5, 2})), DataError);
  EXPECT_THROW(task_of({2, 3})->predictions(at::ones({3, 1})), DataError);
  EXPECT_THROW(
      score_of(*task_of({2}), {{at::ones({3, 2}), {at::Tensor(), at::ones({3, 2}), {}, 3}}}),
      DataError);
  EXPECT_TRUE(task_of({2})->predictions(at::ones({3})).equal(at::full({3}, 3., at::kDouble)));
  EXPECT_EQ(task_of({2, 3})->predictions(at::ones({0, 2})).sizes(),
            (std::vector<std::int64_t>{0, 2}));
  EXPECT_TRUE(task_of({2, 3, 4, 5})
                  ->predictions(at::ones({1, 2, 2}))
                  .equal(at::tensor({3., 4., 5., 6.}, at::kDouble).view({1, 2, 2})));
  for (const double wrong : {0., -1., std::nan(""), HUGE_VAL})
    EXPECT_THROW(task_of({1, wrong}), FieldError) << wrong;
}

// Wider ones would count labels that there are not, and none of the last.
TEST(MultiLabel, OtherNumbersOfLabelsAreRefused) {
  const auto task = multi_label(3);
  const auto loss = [&](const at::Tensor& logits, const at::Tensor& targets) {
    return task->held_out_loss(logits, {at::Tensor(), targets, {}, targets.size(0)});
  };
  EXPECT_NO_THROW(loss(at::zeros({2, 3}), at::zeros({2, 3})));
  EXPECT_THAT(
      [&] {
        loss(at::zeros({2, 4}), at::zeros({2, 4}));
      },
      ThrowsMessage<DataError>(
          StrEq("multi_label of 3 labels needs outputs [samples, 3], got [2, 4]")));
  EXPECT_THROW(loss(at::zeros({2, 3}), at::zeros({2, 1})), DataError);
  EXPECT_THROW(loss(at::zeros({2, 3}), at::zeros({1, 3})), DataError);
  EXPECT_THROW(loss(at::zeros({3}), at::zeros({3})), DataError);
}

// The fp32 number next to the threshold lies above it in some of these cases, below it in others.
TEST(MultiLabel, BothF1CompareInTheSameNumbers) {
  for (const double threshold : {.1, .3, .6, .7, .9}) {
    const auto task = multi_label(1, {threshold, 0});
    const at::Tensor logits =
        at::full({1, 1}, std::log(threshold / (1 - threshold)), at::kDouble).to(at::kFloat);
    Sums sums(at::kCPU);
    const Batch batch{at::Tensor(), at::ones({1, 1}), {}, 1};
    task->add(at::scalar_tensor(0.f), logits, batch, sums);
    const Score score = score_between({}, sums.read(), *task, task->rows_to_keep(logits, batch));
    const bool above =
        static_cast<double>(logits.item<float>()) >= std::log(threshold / (1 - threshold));
    EXPECT_EQ(score.metrics.at(1), above ? 1 : 0) << threshold;
    EXPECT_EQ(score.metrics.at(2), above ? 1 : 0) << threshold;
  }
}

TEST(Tasks, OptionsOutOfRangeAreRefused) {
  for (const double smoothing : {-.1, 1., std::nan("")}) {
    EXPECT_THROW(classification(3, smoothing), FieldError) << smoothing;
    EXPECT_THROW(classification(3, ClassificationOptions{smoothing, {}, 0}), FieldError);
    EXPECT_THROW(multi_label(3, {.5, smoothing}), FieldError) << smoothing;
  }
  EXPECT_THROW(classification(0), FieldError);
  EXPECT_THROW(multi_label(0), FieldError);
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
