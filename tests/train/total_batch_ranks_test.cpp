// One total batch, whatever the ranks and the passes: the same losses and weights.

#include "onecycle/error.h"

#include "core/text/format.h"
#include "support/ranks.h"
#include "train/state/shared_checkpoints.h"
#include "train/support.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <vector>

namespace onecycle {
namespace {

using ::testing::HasSubstr;
using testing::on_ranks;

constexpr std::int64_t kSteps = 100;

class LossOfEveryStep : public Observer {
 public:
  void on_log_point(const LogPoint& point, StopSignal&) override {
    losses.push_back(point.train.loss);
  }

  std::vector<double> losses;
};

struct Followed {
  std::vector<double> losses;  // of each step
  double test_loss = 0;        // of outputs that evaluations round to fp32
  StepPlan steps;
};

struct TotalBatchCase {
  const char* name;
  std::string model;
  std::string precision;
  double tolerance;
  std::vector<std::int64_t> limits;  // of a pass
};

std::vector<std::string> settings_of(const TotalBatchCase& of, std::int64_t limit) {
  return {"model=" + of.model,
          "train.precision=" + of.precision,
          "data.format.train=500",
          "data.total_batch_size=96",
          format("data.batch_size={}", limit),
          "data.augment=[flip]",
          "schedule={name: one_cycle, lr_max: 0.05}",
          "train.log_every=1",
          "train.evaluate_every=1000it",
          format("train.duration={}it", kSteps)};
}

Followed follow_run(const std::shared_ptr<Group>& group, const TotalBatchCase& of,
                    std::int64_t limit) {
  Environment environment;
  environment.group = group;
  const RecipeRun run = build(tiny_recipe(settings_of(of, limit)), environment);
  Trainer trainer(run);
  LossOfEveryStep losses;
  trainer.observe(losses);
  const RunEnd end = trainer.fit();
  return {losses.losses, end.test->loss, run.steps};
}

Followed follow_on_ranks(std::int64_t ranks, const TotalBatchCase& of, std::int64_t limit) {
  Followed result;
  on_ranks(ranks, [&](const std::shared_ptr<Group>& group) {
    Followed own = follow_run(group, of, limit);
    if (group->is_leader()) result = std::move(own);
  });
  return result;
}

class TotalBatchOnRanks : public ::testing::TestWithParam<TotalBatchCase> {};

TEST_P(TotalBatchOnRanks, IsOneRunOverAHundredSteps) {
  const Followed whole = follow_run(alone(), GetParam(), 96);
  ASSERT_EQ(whole.losses.size(), static_cast<std::size_t>(kSteps));
  ASSERT_LT(whole.losses.back(), 0.8 * whole.losses.front()) << "it must train";
  for (const std::int64_t ranks : {1, 2, 3, 4})
    for (const std::int64_t limit : GetParam().limits) {
      if (ranks == 1 && limit == 96) continue;
      SCOPED_TRACE(format("{} ranks, at most {} samples a pass", ranks, limit));
      const Followed parts = follow_on_ranks(ranks, GetParam(), limit);
      EXPECT_EQ(parts.steps.total_batch, 96);
      EXPECT_LE(parts.steps.micro_batch, limit);
      EXPECT_EQ(parts.steps.micro_batch * parts.steps.micro_batches() * ranks, 96);
      ASSERT_EQ(parts.losses.size(), whole.losses.size());
      double largest = 0;
      for (std::size_t i = 0; i < parts.losses.size(); ++i)
        largest = std::max(largest, std::abs(parts.losses[i] - whole.losses[i]));
      EXPECT_LT(largest, GetParam().tolerance);
      EXPECT_NEAR(parts.test_loss, whole.test_loss, std::max(1e-7, GetParam().tolerance));
    }
}

// Every pass of the ResNets is whole groups of model.bn_batch. A full ResNet-8 in fp32 has too many
// ReLUs near zero: in 100 steps rounding grew to 2e-5 and 7e-5.
INSTANTIATE_TEST_SUITE_P(
    Networks, TotalBatchOnRanks,
    ::testing::Values(
        TotalBatchCase{"MlpFp64", "{name: mlp, hidden: [16, 12]}", "fp64", 1e-9, {96, 48, 24, 8}},
        TotalBatchCase{"MlpFp32", "{name: mlp, hidden: [16, 12]}", "fp32", 1e-5, {96, 24}},
        TotalBatchCase{"ResNet8Fp64", "{name: resnet8, bn_batch: 8}", "fp64", 1e-9, {48, 8}},
        TotalBatchCase{
            "ResNet8Fp32", "{name: resnet8, width: 4, bn_batch: 8}", "fp32", 1e-5, {24}}),
    [](const auto& network) { return std::string(network.param.name); });

class StopAfter : public Observer {
 public:
  explicit StopAfter(std::int64_t step) : step_(step) {}
  void on_log_point(const LogPoint& point, StopSignal& stop) override {
    if (point.step >= step_) stop.request(StopReason::early_stopped, "enough");
  }

 private:
  std::int64_t step_;
};

TEST(TotalBatchResume, KeepsItOnAnotherNumberOfRanks) {
  const std::vector<std::string> settings = {"data.total_batch_size=24", "data.batch_size=12",
                                             "train.duration=6ep", "train.log_every=1"};
  const auto build_for = [&](const std::shared_ptr<Group>& group, std::vector<std::string> with) {
    Environment environment;
    environment.group = group;
    with.insert(with.begin(), settings.begin(), settings.end());
    return build(tiny_recipe(with), environment);
  };
  const RecipeRun whole = build_for(alone(), {});
  Trainer(whole).fit();
  LastSnapshot half;
  {
    const RecipeRun run = build_for(alone(), {});
    Trainer trainer(run);
    trainer.keep_checkpoints_in(half);
    StopAfter stop(7);
    trainer.observe(stop);
    trainer.fit();
  }
  ASSERT_TRUE(half.last);
  for (const std::int64_t ranks : {2, 3})
    on_ranks(ranks, [&](const std::shared_ptr<Group>& group) {
      const RecipeRun run = build_for(group, {});
      EXPECT_EQ(run.steps.micro_batches(), 1) << "and two when it was begun";
      Trainer trainer(run);
      const auto snapshot = snapshot_from_leader(*group, [&] { return half.last; });
      trainer.resume(*snapshot, "half");
      EXPECT_EQ(trainer.fit().steps, whole.steps.total_steps);
      const auto expected = state_of(whole);
      const auto weights = state_of(run);
      for (std::size_t i = 0; i < weights.size(); ++i)
        EXPECT_LT((weights[i] - expected[i]).abs().max().item<double>(), 1e-5);
    });
  const RecipeRun other = build_for(alone(), {"data.total_batch_size=null"});
  Trainer trainer(other);
  trainer.resume(*half.last, "half");
  try {
    trainer.fit();
    FAIL() << "another total batch was taken";
  } catch (const CheckpointError& error) {
    EXPECT_THAT(error.what(), HasSubstr("total batch of 24, not 12"));
    EXPECT_THAT(error.what(), HasSubstr("set data.total_batch_size to 24"));
  }
}

}  // namespace
}  // namespace onecycle
