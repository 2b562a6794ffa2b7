// Runs that several ranks train together, a thread each, against the same run of one process.

#include "support/ranks.h"

#include "onecycle/error.h"
#include "onecycle/predict.h"

#include "core/text/format.h"
#include "train/rank_runs.h"
#include "train/state/shared_checkpoints.h"

#include <atomic>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numeric>

namespace onecycle {
namespace {

using ::testing::HasSubstr;
using testing::on_ranks;

TEST(Ranks, TheSameTotalBatchIsTheSameRun) {
  const Settings longer = {"train.duration=20ep"};
  const Trained one = train_on(alone(), with(longer, {batch(16)}));
  ASSERT_GT(largest_difference(one.weights, state_of(tiny_run())), 0.01) << "it must train";
  expect_same(one, train_on_ranks(2, with(longer, {batch(8)})), 1e-5);
  expect_same(one, train_on_ranks(4, with(longer, {batch(4)})), 1e-5);
}

TEST(Ranks, AccumulationSplitsItFurther) {
  const Trained one = train_on(alone(), {batch(16)});
  expect_same(one, train_on_ranks(2, {batch(4), "train.accumulate=2"}), 1e-6);
}

// A mean of the parts' weighted means would be another run: their weights differ.
TEST(Ranks, WeightsAreThoseOfTheTotalBatch) {
  const Settings weighted = {"task={name: classification, weights: {'0': 50, '2': 7}}",
                             "train.precision=fp64"};
  const Trained one = train_on(alone(), with(weighted, {batch(16)}));
  const auto same = [&](const Trained& other) {
    EXPECT_LT(largest_difference(one.weights, other.weights), 1e-9);
    EXPECT_NEAR(one.end.train->loss, other.end.train->loss, 1e-6);  // summed in fp32
  };
  same(train_on(alone(), with(weighted, {batch(4), "train.accumulate=4"})));
  same(train_on_ranks(2, with(weighted, {batch(8)})));
  const Trained plain = train_on(alone(), {batch(16), "train.precision=fp64"});
  EXPECT_GT(largest_difference(one.weights, plain.weights), 1e-4);
}

TEST(Ranks, TheWholeSetAsOneBatch) {
  const Settings all = {"data.batch_size=all", "data.augment=[flip]"};
  const Trained one = train_on(alone(), all);
  expect_same(one, train_on_ranks(3, all), 1e-6);
  expect_same(one, train_on_ranks(3, with(all, {"train.accumulate=3"})), 1e-6);
}

TEST(Ranks, FrozenWeightsJoinLater) {
  const Settings freeze = {"train.freeze=[{match: 'layer1.*', until: 1ep}]"};
  const Trained one = train_on(alone(), with(freeze, {batch(16)}));
  expect_same(one, train_on_ranks(2, with(freeze, {batch(8)})), 1e-6);
}

TEST(Ranks, GradientsInBf16AreClose) {
  const Trained one = train_on(alone(), {batch(16)});
  const Trained two = train_on_ranks(2, {batch(8), "train.gradient_format=bf16"});
  const double difference = largest_difference(one.weights, two.weights);
  EXPECT_GT(difference, 1e-6) << "they are rounded";
  EXPECT_LT(difference, 1e-2);
}

TEST(Ranks, EverySampleIsEvaluatedOnce) {
  onecycle::RecipeRun one = tiny_run();
  const Score whole = evaluate(one, *one.test, true);
  const Score few = evaluate(one, *first_of(one.test, 2), true);
  const at::Tensor probabilities = predict(one, *one.test, {}).probabilities;
  std::vector<float> losses;
  evaluate(one, *one.test, true, losses);
  ASSERT_EQ(losses.size(), 37U);
  EXPECT_NEAR(std::accumulate(losses.begin(), losses.end(), 0.0) / 37, whole.loss, 1e-6);
  for (const std::int64_t ranks : {2, 3, 5}) {
    on_ranks(ranks, [&](const std::shared_ptr<Group>& group) {
      onecycle::RecipeRun run = run_on(group, {batch(2)});
      const Score score = evaluate(run, *run.test, true);
      EXPECT_EQ(score.samples, 37);
      EXPECT_NEAR(score.loss, whole.loss, 1e-6);
      EXPECT_NEAR(score.metric(), whole.metric(), 1e-12);
      EXPECT_EQ(evaluate(run, *first_of(run.test, 2), true).samples, 2) << "fewer than ranks";
      EXPECT_NEAR(evaluate(run, *first_of(run.test, 2), true).loss, few.loss, 1e-6);
      EXPECT_TRUE(predict(run, *run.test, {}).probabilities.allclose(probabilities));
      std::vector<float> own;
      evaluate(run, *run.test, true, own);
      EXPECT_THAT(own, ::testing::Pointwise(::testing::FloatNear(1e-5F), losses)) << "in order";
      evaluate(run, *first_of(run.test, 2), true, own);
      EXPECT_EQ(own.size(), 2U);
    });
  }
}

// The least sure are those of the whole set, wherever it is cut.
TEST(Ranks, TheSameSamplesHaveAllViews) {
  const Settings views = {"model={name: resnet8, width: 4}", "data.format.channels=3"};
  PredictOptions options;
  options.augmentation = TestTimeAugmentation::flip;
  options.share = .25;
  onecycle::RecipeRun one = tiny_run(views);
  const at::Tensor probabilities = predict(one, *one.test, options).probabilities;
  const at::Tensor few = predict(one, *first_of(one.test, 2), options).probabilities;
  for (const std::int64_t ranks : {2, 3, 5}) {
    on_ranks(ranks, [&](const std::shared_ptr<Group>& group) {
      onecycle::RecipeRun run = run_on(group, with(views, {batch(2)}));
      EXPECT_TRUE(predict(run, *run.test, options).probabilities.allclose(probabilities));
      EXPECT_TRUE(predict(run, *first_of(run.test, 2), options).probabilities.allclose(few))
          << "fewer than ranks";
    });
  }
}

class StopAt : public Observer {
 public:
  explicit StopAt(std::int64_t step, StopReason reason) : step_(step), reason_(reason) {}
  void on_log_point(const LogPoint& point, StopSignal& stop) override {
    if (point.step >= step_) stop.request(reason_, "enough");
  }

 private:
  std::int64_t step_;
  StopReason reason_;
};

TEST(Ranks, OneRanksRequestStopsAllAtTheSameStep) {
  std::atomic<std::int64_t> steps[3];
  on_ranks(3, [&](const std::shared_ptr<Group>& group) {
    onecycle::RecipeRun run = run_on(group, {batch(4), "train.duration=50ep", "train.log_every=1"});
    Trainer trainer(run);
    StopAt observer(17, StopReason::early_stopped);
    if (group->rank() == 1) trainer.observe(observer);
    const RunEnd end = trainer.fit();
    steps[group->rank()] = end.steps;
    EXPECT_EQ(end.reason, StopReason::early_stopped);
    EXPECT_EQ(end.message, "enough");
  });
  EXPECT_EQ(steps[0], 18);
  EXPECT_EQ(steps[1], 18);
  EXPECT_EQ(steps[2], 18);
}

// Between log points, which may lie far apart, a signal is agreed on too.
TEST(Ranks, ASignalIsEveryRanks) {
  std::atomic<std::int64_t> steps[2];
  on_ranks(2, [&](const std::shared_ptr<Group>& group) {
    onecycle::RecipeRun run =
        run_on(group, {batch(4), "train.duration=2000ep", "train.log_every=1000000",
                       "train.evaluate_every=2000ep"});
    Trainer trainer(run);
    class Interrupt : public Observer {
     public:
      explicit Interrupt(StopSignal& stop) : stop_(stop) {}
      void on_batch_end(const BatchEnd& event) override {
        if (event.step == 40) stop_.interrupt(15);
      }

     private:
      StopSignal& stop_;
    } interrupt(trainer.stop());
    if (group->rank() == 1) trainer.observe(interrupt);
    const RunEnd end = trainer.fit();
    EXPECT_EQ(end.reason, StopReason::interrupted);
    EXPECT_EQ(trainer.stop().signal_number(), 15);
    steps[group->rank()] = end.steps;
  });
  EXPECT_EQ(steps[0], steps[1]);
  EXPECT_GT(steps[0], 40);
  EXPECT_LT(steps[0], 15000);
}

// An observer is the only place of a run's code that a test can make fail.
class FailAt : public Observer {
 public:
  FailAt(std::int64_t step, std::function<void()> fail) : step_(step), fail_(std::move(fail)) {}
  void on_batch_end(const BatchEnd& event) override {
    if (event.step == step_) fail_();
  }

 private:
  std::int64_t step_;
  std::function<void()> fail_;
};

TEST(Ranks, WhereOneRunsOutOfMemoryAllEndForIt) {
  on_ranks(2, [&](const std::shared_ptr<Group>& group) {
    onecycle::RecipeRun run = run_on(group, {batch(4)});
    Trainer trainer(run);
    FailAt observer(2, [] {
      TORCH_CHECK(false,
                  "DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 byte");
    });
    if (group->rank() == 1) trainer.observe(observer);
    const RunEnd end = trainer.fit();
    EXPECT_EQ(end.reason, StopReason::out_of_memory);
    EXPECT_THAT(end.message, HasSubstr("out of memory with 4 samples"));
    if (group->rank() == 0) {
      EXPECT_THAT(end.message, HasSubstr("rank 1"));
    }
  });
}

TEST(Ranks, WhereOneFailsTheOthersSayWhichAndWhy) {
  std::atomic<int> told = 0;
  EXPECT_THROW(on_ranks(3,
                        [&](const std::shared_ptr<Group>& group) {
                          onecycle::RecipeRun run = run_on(group, {batch(4)});
                          Trainer trainer(run);
                          FailAt observer(2, [] { throw DataError("the disk is gone"); });
                          if (group->rank() == 1) trainer.observe(observer);
                          try {
                            trainer.fit();
                          } catch (const DistError& error) {
                            EXPECT_THAT(error.what(), HasSubstr("rank 1: the disk is gone"));
                            ++told;
                          }
                        }),
               DataError);
  EXPECT_EQ(told, 2);
}

TEST(Ranks, AWeightWithoutAGradientIsAnError) {
  EXPECT_THROW(
      on_ranks(2,
               [](const std::shared_ptr<Group>& group) {
                 at::Tensor used = at::ones({2}).set_requires_grad(true);
                 at::Tensor unused = at::ones({2}).set_requires_grad(true);
                 const auto reduction = group->reduce({used, unused}, GradientFormat::as_computed);
                 reduction->begin(true);
                 used.sum().backward();
                 reduction->finish();
               }),
      DistError);
}

TEST(Ranks, ARunGoesOnWithAnotherNumberOfThem) {
  const Settings longer = {"train.duration=6ep"};
  const Trained whole = train_on(alone(), with(longer, {batch(16)}));
  LastSnapshot half;
  {
    onecycle::RecipeRun run = run_on(alone(), with(longer, {batch(16), "train.log_every=1"}));
    Trainer trainer(run);
    trainer.keep_checkpoints_in(half);
    StopAt observer(12, StopReason::early_stopped);
    trainer.observe(observer);
    trainer.fit();
  }
  on_ranks(2, [&](const std::shared_ptr<Group>& group) {
    onecycle::RecipeRun run = run_on(group, with(longer, {batch(8)}));
    const auto snapshot = snapshot_from_leader(*group, [&] { return half.last; });
    ASSERT_TRUE(snapshot);
    Trainer trainer(run);
    trainer.resume(*snapshot, "half");
    Trained rest;
    rest.end = trainer.fit();
    rest.weights = state_of(run);
    expect_same(whole, rest, 1e-5);
  });
  onecycle::RecipeRun run = run_on(alone(), with(longer, {batch(8)}));
  Trainer trainer(run);
  try {
    trainer.resume(*half.last, "half");
    trainer.fit();
    FAIL() << "another total batch was taken";
  } catch (const CheckpointError& error) {
    EXPECT_THAT(error.what(), HasSubstr("total batch of 16, not 8"));
  }
}

TEST(Ranks, WhatRankZeroCannotDoIsEveryRanksError) {
  EXPECT_THROW(on_ranks(2,
                        [](const std::shared_ptr<Group>& group) {
                          EXPECT_EQ(from_leader(*group, [] { return std::string("a"); }), "a");
                          EXPECT_EQ(from_leader(*group, [] { return std::string(); }), "");
                          from_leader(*group, []() -> std::string { throw Error("no disk"); });
                        }),
               Error);
}

TEST(Ranks, BytesOfAnyLengthAreGathered) {
  on_ranks(3, [](const std::shared_ptr<Group>& group) {
    const std::string own(static_cast<std::size_t>(group->rank() * 5), 'x');
    const auto all = group->all_gather_bytes(own);
    ASSERT_EQ(all.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(all[i], std::string(i * 5, 'x'));
    EXPECT_EQ(group->broadcast(own, 2), std::string(10, 'x'));
    EXPECT_EQ(group->broadcast(own, 0), "");
  });
}

}  // namespace
}  // namespace onecycle
