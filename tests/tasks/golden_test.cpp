// Tasks against scikit-learn 1.9 and PyTorch 2.11: the numbers are what the named functions give
// for the same inputs in fp64.

#include "onecycle/error.h"
#include "onecycle/options.h"
#include "onecycle/tasks.h"

#include "train/step/sums.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

at::Tensor rows(const std::vector<double>& values, std::int64_t columns) {
  return at::tensor(values, at::kDouble).view({-1, columns});
}

Batch batch_of(const at::Tensor& targets) {
  return {at::Tensor(), targets, std::nullopt, targets.size(0)};
}

// Given in two batches, the second padded.
Score score_of(const Task& task, const at::Tensor& outputs, const at::Tensor& targets) {
  Sums sums(at::kCPU);
  std::vector<at::Tensor> kept;
  const std::int64_t first = outputs.size(0) / 2;
  const std::int64_t rest = outputs.size(0) - first;
  const auto padded = [&](const at::Tensor& all) {
    return at::cat({all.narrow(0, first, rest), all.narrow(0, 0, 1)});
  };
  for (const auto& [given, batch] :
       {std::pair{outputs.narrow(0, 0, first), batch_of(targets.narrow(0, 0, first))},
        std::pair{padded(outputs), Batch{at::Tensor(), padded(targets), std::nullopt, rest}}}) {
    task.add(task.held_out_loss(given, batch).to(at::kFloat), given, batch, sums);
    if (task.keeps_rows()) kept.push_back(task.rows_to_keep(given, batch));
  }
  return score_between({}, sums.read(), task, kept.empty() ? at::Tensor() : at::cat(kept));
}

const at::Tensor kTargets = rows({1.5, -.25, .5, .75, -1, .5, 0, -1.5, 2, 1}, 2);
const at::Tensor kOutputs = rows({1, 0, .75, .5, -.5, .25, .25, -1, 1.25, 1.5}, 2);

RegressionOptions standardised() {
  RegressionOptions options;
  options.targets.mean = {10, -3};
  options.targets.std = {4, .5};
  return options;
}

// mean_squared_error (its root), mean_absolute_error, r2_score of values and predictions.
TEST(RegressionMetrics, AreThoseOfTheDatasUnits) {
  const Score score = score_of(*regression(standardised()), kOutputs, kTargets);
  EXPECT_EQ(score.samples, 5);
  EXPECT_THAT(score.metrics,
              ElementsAre(DoubleNear(1.3846254006047989, 1e-12), DoubleNear(.9875, 1e-12),
                          DoubleNear(.8114775051124745, 1e-12)));
  EXPECT_NEAR(score.loss, (kOutputs - kTargets).square().mean().item<double>(), 1e-6);
}

TEST(RegressionMetrics, R2OfATargetThatDoesNotChange) {
  const at::Tensor ones = at::ones({3, 1}, at::kDouble);
  EXPECT_EQ(score_of(*regression(), ones, ones).metrics.at(2), 1);
  EXPECT_EQ(score_of(*regression(), ones * 1.5, ones).metrics.at(2), 0);
}

TEST(RegressionMetrics, MoreValuesThanSumsHaveNoR2) {
  const at::Tensor wide = at::zeros({4, 100}, at::kDouble);
  const Score score = score_of(*regression(), wide + 2, wide);
  EXPECT_DOUBLE_EQ(score.metric(), 2);
  EXPECT_DOUBLE_EQ(score.metrics.at(1), 2);
  EXPECT_TRUE(std::isnan(score.metrics.at(2)));
}

TEST(RegressionPredictions, AreInTheDatasUnits) {
  const at::Tensor values = regression(standardised())->predictions(kOutputs);
  EXPECT_TRUE(values.allclose(kOutputs * at::tensor({4., .5}) + at::tensor({10., -3.})));
}

// huber_loss(delta=.7), l1_loss and gaussian_nll_loss(var=exp(...)).
TEST(RegressionLosses, AreTorchs) {
  const at::Tensor outputs = rows({.5, 3, -1}, 1);
  const Batch batch = batch_of(rows({0, .5, -.25}, 1));
  const auto loss = [&](RegressionLoss which, const at::Tensor& given) {
    RegressionOptions options;
    options.loss = which;
    options.huber_delta = .7;
    const auto task = regression(options);
    EXPECT_NEAR(task->sample_losses(given, batch).mean().item<double>(),
                task->loss(given, batch).item<double>(), 1e-14);
    return task->loss(given, batch).item<double>();
  };
  EXPECT_NEAR(loss(RegressionLoss::huber, outputs), .6366666666666666, 1e-12);
  EXPECT_NEAR(loss(RegressionLoss::mae, outputs), 1.25, 1e-12);
  EXPECT_NEAR(loss(RegressionLoss::gaussian_nll, at::cat({outputs, rows({.3, -1, 2}, 1)}, 1)),
              3.0917653466433426, 1e-12);
}

const at::Tensor kLabels =
    rows({1, 0, 0, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1}, 4).to(at::kByte);
const at::Tensor kScores = rows({2,  -1,  -3, .5, .5, .25, -2,   .5, .5, 1.5, 1,  -.5,
                                 -1, .25, -1, -2, 1,  -.5, -.25, .5, .5, -2,  -4, 3},
                                4);

// average_precision_score(average="macro") over the labels that occur, of ties too;
// f1_score(average="macro" and "micro", zero_division=0).
TEST(MultiLabelMetrics, AreScikitLearns) {
  const auto score = score_of(*multi_label(4), kScores, kLabels);
  EXPECT_THAT(score.metrics,
              ElementsAre(DoubleNear(.8305555555555556, 1e-12), DoubleNear(.575, 1e-12),
                          DoubleNear(.7272727272727273, 1e-12)));
  const auto strict = score_of(*multi_label(4, {.7, 0}), kScores, kLabels);
  EXPECT_THAT(strict.metrics, ElementsAre(DoubleNear(.8305555555555556, 1e-12),
                                          DoubleNear(.4666666666666667, 1e-12),
                                          DoubleNear(.5714285714285714, 1e-12)));
}

TEST(MultiLabelMetrics, OfATrainingAreWhatSumsKnow) {
  const auto task = multi_label(4);
  Sums sums(at::kCPU);
  task->add(at::scalar_tensor(0.f), kScores, batch_of(kLabels), sums);
  const Score score = score_between({}, sums.read(), *task);
  EXPECT_TRUE(std::isnan(score.metrics.at(0)));
  EXPECT_TRUE(std::isnan(score.metrics.at(1)));
  EXPECT_NEAR(score.metrics.at(2), .7272727272727273, 1e-12);
}

// binary_cross_entropy_with_logits
TEST(MultiLabelLoss, IsTorchs) {
  const auto task = multi_label(2);
  const at::Tensor logits = rows({.5, -2, 1, .25, -1.5, 3}, 2);
  const Batch batch = batch_of(rows({1, 0, 0, 1, 1, 1}, 2).to(at::kByte));
  EXPECT_NEAR(task->loss(logits, batch).item<double>(), .7067011220294401, 1e-12);
  EXPECT_NEAR(task->sample_losses(logits, batch).mean().item<double>(), .7067011220294401, 1e-12);
  EXPECT_TRUE(task->predictions(logits).allclose(at::sigmoid(logits)));
}

const at::Tensor kLogits = rows({2, 0, 1, .5, 1.5, -1, 0, 0, .25, -1, 2, .5}, 3);

// CrossEntropyLoss(weight=[1, 4, .5]) without and with label_smoothing=.2, and its gradients.
TEST(WeightedClassification, IsTorchs) {
  const Batch batch = batch_of(at::tensor({0, 2, 1, 1}, at::kLong));
  const auto check = [&](double smoothing, double loss, const std::vector<double>& gradients) {
    const auto task = classification(3, ClassificationOptions{smoothing, {1, 4, .5}, 0});
    const at::Tensor logits = kLogits.clone().requires_grad_();
    const at::Tensor ours = task->loss(logits, batch);
    EXPECT_NEAR(ours.item<double>(), loss, 1e-12);
    ours.backward();
    EXPECT_TRUE(logits.grad()[0].allclose(at::tensor(gradients, at::kDouble), 0, 1e-12));
    EXPECT_DOUBLE_EQ(task->total_weight(batch).item<double>(), 1 + .5 + 4 + 4);
  };
  check(0, .7963053043628449, {-.035237794128966125, .009476902438987413, .025760891689978697});
  check(.2, .8232013959980917, {-.009531812448706094, -.017013789259777843, .02654560170848392});
}

// The mean of -(1 - p)^2 log p.
TEST(FocalLoss, IsThatOfItsFormula) {
  const Batch batch = batch_of(at::tensor({0, 2, 1, 1}, at::kLong));
  const auto task = classification(3, ClassificationOptions{0, {}, 2});
  EXPECT_NEAR(task->loss(kLogits, batch).item<double>(), .7968892417477622, 1e-12);
  EXPECT_FALSE(task->total_weight(batch).defined());
}

TEST(FocalLoss, HasASlopeWhereTheSampleIsCertain) {
  const at::Tensor logits = at::tensor({200.f, 0.f}).view({1, 2}).requires_grad_();
  const auto task = classification(2, ClassificationOptions{0, {}, .5});
  task->loss(logits, batch_of(at::zeros({1}, at::kLong))).backward();
  EXPECT_TRUE(logits.grad().isfinite().all().item<bool>());
}

TEST(ClassWeights, BalancedAreInverseToCounts) {
  EXPECT_THAT(balanced_weights({50, 1, 0}),
              ElementsAre(DoubleNear(51 / 100., 1e-12), DoubleNear(51 / 2., 1e-12), 1));
}

// Scaled by 4 samples / (3 * 2 + 1 * 6).
TEST(ClassWeights, GivenOnesHoldForClassesWithoutSamples) {
  EXPECT_THAT(scaled_weights({2, 6, 9}, {3, 1, 0}),
              ElementsAre(DoubleNear(2 / 3., 1e-12), DoubleNear(2, 1e-12), DoubleNear(3, 1e-12)));
  EXPECT_THAT(scaled_weights({2, 6}, {}), ElementsAre(2, 6));
  EXPECT_THAT(scaled_weights({2, 6}, {0, 0}), ElementsAre(2, 6));
}

// (1 - beta) / (1 - beta^n) is 1 and 1 / 1.5 for beta = .5 and n = 1, 2.
TEST(ClassWeights, EffectiveNumbers) {
  const double scale = 3 / (1 + 2 / 1.5);
  EXPECT_THAT(effective_number_weights({1, 2}, .5),
              ElementsAre(DoubleNear(scale, 1e-12), DoubleNear(scale / 1.5, 1e-12)));
}

std::shared_ptr<const Task> task_of(const std::string& name, const Value& options,
                                    const TaskContext& context) {
  const TaskRegistry tasks = builtin_tasks();
  return tasks.make(choose(tasks.variants(), name, options), context);
}

std::string refused(const std::string& name, const Value& options, const TaskContext& context) {
  try {
    task_of(name, options, context);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(TaskRecipes, WeightsByTheNamesOfClasses) {
  const TaskContext context{2, 0, {"cat", "dog"}, {}};
  Value weights = Value::map();
  weights.set("dog", Value::scalar("3"));
  Value options = Value::map();
  options.set("weights", weights);
  const Batch batch = batch_of(at::tensor({0, 1}, at::kLong));
  EXPECT_DOUBLE_EQ(task_of("classification", options, context)->total_weight(batch).item<double>(),
                   4);
  weights.set("dgo", Value::scalar("3"));
  options.set("weights", weights);
  EXPECT_THAT(refused("classification", options, context), HasSubstr("did you mean 'dog'"));
}

TEST(TaskRecipes, WeightsAreAsManyAsACheckpointKeeps) {
  TaskContext context{0, 0, {}, {}};
  Value weights = Value::map();
  Value options = Value::map();
  const auto name_another = [&] {
    context.names.push_back(std::to_string(context.classes++));
    weights.set(context.names.back(), Value::scalar("2"));
    options.set("weights", weights);
  };
  while (context.classes < 1000) name_another();
  EXPECT_EQ(refused("classification", options, context), "");
  name_another();
  EXPECT_THAT(refused("classification", options, context), HasSubstr("at most 1000 classes"));
}

TEST(TaskRecipes, WhatHasNoMeaningIsRefused) {
  Value automatic = Value::map();
  automatic.set("weights", Value::scalar("auto"));
  EXPECT_THAT(refused("classification", automatic, {2, 0, {"a", "b"}, {}}),
              HasSubstr("how often each class occurs"));
  EXPECT_THAT(refused("regression", {}, {1, .1, {}, {}}), HasSubstr("label_smoothing"));
}

TEST(TaskRecipes, SayWhatTheyTake) {
  EXPECT_EQ(task_of("regression", {}, {3, 0, {}, {}})->outputs(3), 3);
  Value options = Value::map();
  options.set("loss", Value::scalar("gaussian_nll"));
  EXPECT_EQ(task_of("regression", options, {3, 0, {}, {}})->outputs(3), 6);
  EXPECT_EQ(task_of("multi_label", {}, {3, 0, {}, {}})->targets(), TargetKind::labels);
  EXPECT_EQ(task_of("regression", {}, {3, 0, {}, {}})->targets(), TargetKind::values);
}

}  // namespace
}  // namespace onecycle
