// That a range test leaves nothing behind, its overlays, and the recipe it writes.

#include "tuning/range_test/range_test.h"

#include "onecycle/error.h"

#include "study/recipe_edit.h"
#include "support/choices.h"
#include "train/state/snapshot.h"
#include "train/step/decay.h"
#include "train/support.h"
#include "tuning/range_test/overlay.h"

#include <cmath>
#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle {
namespace {

using testing::HasSubstr;

// ---- What a sweep leaves
// --------------------------------------------------------------------------

struct Whole {
  std::vector<NamedTensor> tensors;
  at::Tensor random;
  std::int64_t updates;
  std::int64_t total_steps;
  std::int64_t validation, test;
  bool training;
};

Whole whole_of(const Run& run) {
  RunState state;
  return {capture(run, nullptr, state).tensors,
          at::detail::getDefaultCPUGenerator().get_state(),
          run.optimizer->updates(),
          run.steps.total_steps,
          run.validation->size(),
          run.test->size(),
          run.model->is_training()};
}

void expect_same(const Whole& a, const Whole& b) {
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (std::size_t i = 0; i < a.tensors.size(); ++i)
    EXPECT_TRUE(a.tensors[i].tensor.equal(b.tensors[i].tensor)) << a.tensors[i].name;
  EXPECT_TRUE(a.random.equal(b.random));
  EXPECT_EQ(a.updates, b.updates);
  EXPECT_EQ(a.total_steps, b.total_steps);
  EXPECT_EQ(a.validation, b.validation);
  EXPECT_EQ(a.test, b.test);
  EXPECT_EQ(a.training, b.training);
}

class StopAt : public Observer {
 public:
  StopAt(std::int64_t step, StopSignal& stop, bool throws)
      : step_(step), stop_(stop), throws_(throws) {}
  void on_batch_end(const BatchEnd& event) override {
    if (event.step != step_) return;
    if (throws_) throw Error("an observer failed");
    stop_.interrupt(SIGINT);
  }

 private:
  std::int64_t step_;
  StopSignal& stop_;
  bool throws_;
};

TEST(Sweep, LeavesTheRunAsItWas) {
  const std::vector<std::vector<std::string>> recipes = {
      {"model={name: resnet8, width: 4}", "train.precision=bf16"},
      {"optimizer={name: adamw, weight_decay: 0.01}"},
      {"model={name: resnet8, width: 4}", "train.freeze=[{to: layer2, until: 1ep}]"}};
  for (const auto& recipe : recipes) {
    auto run = tiny_run(recipe);
    Trainer(run).fit();  // in the middle of its life, with an optimizer state
    at::manual_seed(5);
    const Whole before = whole_of(run);
    const auto check = [&](double high, std::int64_t stop_at, bool throws) {
      Sweep plan;
      plan.high = high;
      plan.steps = 30;
      plan.evaluate_every = 3;
      StopSignal stop;
      StopAt ends(stop_at, stop, throws);
      SweepCurve curve;
      if (throws) {
        EXPECT_THROW(sweep(run, plan, stop, &ends), Error);
      } else {
        curve = sweep(run, plan, stop, &ends);
      }
      expect_same(before, whole_of(run));
      return curve;
    };
    EXPECT_EQ(check(0.5, -1, false).points.size(), 30u);
    EXPECT_THAT(check(1e30, -1, false).stopped, testing::Not(testing::IsEmpty()));
    EXPECT_TRUE(check(0.5, 7, false).interrupted);
    check(0.5, 7, true);
  }
}

// A lack of memory says nothing about a learning rate.
TEST(Sweep, WithoutMemoryIsAnErrorAndNoDivergence) {
  auto run = tiny_run();
  const Whole before = whole_of(run);
  class Exhausted : public Observer {
   public:
    void on_batch_end(const BatchEnd&) override {
      TORCH_CHECK(false,
                  "DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 byte");
    }
  } exhausted;
  StopSignal stop;
  EXPECT_THROW(sweep(run, Sweep(), stop, &exhausted), Error);
  expect_same(before, whole_of(run));
}

// Which of the first weight, the last and the buffers have moved at any log point.
class Moves : public Observer {
 public:
  explicit Moves(const Run& run) : run_(run), begin_(state_of(run)) {}
  void on_log_point(const LogPoint&, StopSignal&) override {
    const auto now = state_of(run_);
    const std::size_t weights = run_.parameters->all().size();
    first = first || !now.front().equal(begin_.front());
    last = last || !now[weights - 1].equal(begin_[weights - 1]);
    for (std::size_t i = weights; i < now.size(); ++i)
      buffers = buffers || !now[i].equal(begin_[i]);
  }
  bool first = false, last = false, buffers = false;

 private:
  const Run& run_;
  std::vector<at::Tensor> begin_;
};

TEST(Sweep, HoldsThePhaseItIsAskedFor) {
  auto run = tiny_run({"model={name: resnet8, width: 4}", "train.freeze=[{to: layer3, until: 2it}]",
                       "optimizer={name: adamw}"});
  for (const std::int64_t phase : {0, 1}) {
    Sweep plan;
    plan.steps = 12;
    plan.low = 1e-3;
    plan.high = 1e-2;
    plan.phase = phase;
    StopSignal stop;
    Moves moves(run);
    sweep(run, plan, stop, &moves);
    EXPECT_TRUE(moves.last) << phase;
    EXPECT_EQ(moves.first, phase == 1);
    EXPECT_EQ(moves.buffers, phase == 1);
    EXPECT_EQ(run.freezing.phases(), 2);
  }
}

TEST(Sweep, MomentumFollowsTheCycle) {
  auto run =
      tiny_run({"schedule={name: one_cycle, policy: smith, lr_max: 0.1, momentum_max: 0.95, "
                "momentum_min: 0.85}",
                "train.duration=4ep"});
  Sweep plan;
  plan.shape = SweepShape::linear;
  plan.low = 0.01;
  plan.high = 0.05;
  plan.steps = 5;
  StopSignal stop;
  const SweepCurve curve = sweep(run, plan, stop);
  ASSERT_EQ(curve.points.size(), 5u);
  for (int i = 0; i < 5; ++i) {
    EXPECT_NEAR(curve.points[static_cast<std::size_t>(i)].lr, 0.01 + 0.01 * i, 1e-12);
    EXPECT_NEAR(curve.points[static_cast<std::size_t>(i)].momentum, 0.95 - 0.025 * i, 1e-9);
  }
}

TEST(Sweep, NeedsHeldOutSamples) {
  auto run = tiny_run({"data.validation=0"});
  StopSignal stop;
  EXPECT_THROW(sweep(run, {}, stop), DataError);
}

TEST(Overlays, DecayWithoutAnEffectIsSaidToBe) {
  RangeTest test;
  OverlayPlan plan;
  plan.of = kWeightDecay;
  for (const char* value : {"1e-6", "0"})
    plan.cases.push_back({value, [value] {
                            return tiny_run({"optimizer.weight_decay_mode=l2",
                                             std::string("optimizer.weight_decay=") + value});
                          }});
  plan.sweep.shape = SweepShape::linear;
  plan.sweep.high = 0.05;
  plan.sweep.steps = 20;
  plan.sweep.evaluate_every = 2;
  StopSignal stop;
  add_overlays(test, plan, stop, nullptr);
  ASSERT_EQ(test.overlays.size(), 2u);
  EXPECT_THAT(test.words.back(), HasSubstr("No measurable effect"));
  EXPECT_FALSE(test.overlays[0].best || test.overlays[1].best);
}

TEST(Overlays, AtOneRateTheyRunOverSteps) {
  RangeTest test;
  OverlayPlan plan;
  plan.of = "momentum";
  for (const char* value : {"0.99", "0.9"})
    plan.cases.push_back({value, [value] {
                            return tiny_run(
                                {std::string("optimizer.momentum=") + value,
                                 "schedule={name: one_cycle, lr_max: 0.1, cycle_momentum: false}"});
                          }});
  plan.sweep.shape = SweepShape::linear;
  plan.sweep.low = plan.sweep.high = 0.01;
  plan.sweep.steps = 30;
  plan.sweep.evaluate_every = 3;
  StopSignal stop;
  add_overlays(test, plan, stop, nullptr);
  ASSERT_EQ(test.overlays.size(), 2u);
  EXPECT_EQ(test.overlays[0].axis, SweepAxis::step);
  EXPECT_DOUBLE_EQ(test.overlays[0].smoothed.front().x, 3);
  EXPECT_DOUBLE_EQ(test.overlays[0].smoothed.back().x, 30);
  EXPECT_NE(test.overlays[0].best, test.overlays[1].best);
}

TEST(MomentumRange, RisesAtOneRateAndLeavesTheRunAsItWas) {
  auto run = tiny_run({});
  const Whole before = whole_of(run);
  RangeTest test;
  Sweep like;
  like.steps = 40;
  like.evaluate_every = 4;
  StopSignal stop;
  add_momentum_range(test, {0.02, 0.5, 0.9}, like, run, stop, nullptr);
  expect_same(whole_of(run), before);
  ASSERT_EQ(test.overlays.size(), 1u);
  const Overlay& overlay = test.overlays[0];
  EXPECT_EQ(overlay.axis, SweepAxis::momentum);
  EXPECT_NEAR(overlay.smoothed.front().x, 0.5 + 0.4 * 3 / 39, 1e-12);
  EXPECT_NEAR(overlay.smoothed.back().x, 0.9, 1e-12);
  EXPECT_THAT(test.words.back(), HasSubstr("Momentum range test at learning rate 0.02"));
}

// ---- Recipes with one value changed
// ---------------------------------------------------------------

// Read back as a user's file would be.
RunPlan run_plan_of(const Recipe& recipe) {
  const Environment environment;
  const Value tree = recipe_options(environment.registries.variants()).write(recipe);
  return plan_run(read_recipe(parse_yaml(write_yaml(tree), "edited.yaml"), environment.registries),
                  80, environment);
}

TEST(RecipeEdit, IsValidUnderEverySchedule) {
  const std::vector<std::string> schedules = {
      "{name: one_cycle, policy: smith, lr_max: 0.1, lr_min: 0.02}",
      "{name: one_cycle, policy: smith, lr_max: 0.1, div_factor: 5}",
      "{name: one_cycle, policy: fastai, lr_max: 0.1, momentum_max: 0.95, momentum_min: 0.85}",
      "{name: one_cycle, policy: torch, lr_max: 0.1}",
      "{name: cyclical, lr_max: 0.1, lr_min: 0.01}",
      "{name: constant, lr: 0.1}",
      "{name: cosine, lr_max: 0.1}",
      "{name: exponential, lr_from: 0.001, lr_to: 0.1}"};
  for (const std::string& schedule : schedules) {
    SCOPED_TRACE(schedule);
    const Recipe recipe = tiny_recipe({"schedule=" + schedule, "train.duration=20ep"});
    EXPECT_NEAR(run_plan_of(with_rate(recipe, 0.4)).optimizer.rule.lr_max, 0.4, 0.03);
    const RunPlan steady = run_plan_of(with_momentum(recipe, 0.97));
    EXPECT_DOUBLE_EQ(steady.schedule->at(0, steady.steps.total_steps).momentum, 0.97);
    EXPECT_DOUBLE_EQ(steady.schedule->at(45, steady.steps.total_steps).momentum, 0.97);
    for (const char* mode : {"l2", "decoupled", "independent"}) {
      Recipe in_mode = recipe;
      in_mode.optimizer =
          chosen(builtin_optimizers(), "sgd", "weight_decay_mode: " + std::string(mode));
      const RunPlan decayed = run_plan_of(with_weight_decay(in_mode, 1e-3, 80, Environment()));
      const DecaySummary summary =
          summarise_decay(*decayed.schedule, decayed.optimizer.rule, decayed.steps.total_steps);
      EXPECT_NEAR(summary.l2, 1e-3, 1e-9) << mode;
    }
  }
  const RunPlan cycled = run_plan_of(with_cycled_momentum(
      tiny_recipe({"schedule=" + schedules[0], "optimizer.momentum=0.9", "train.duration=20ep"}),
      0.95, 0.8));
  EXPECT_DOUBLE_EQ(cycled.schedule->at(0, cycled.steps.total_steps).momentum, 0.95);
}

TEST(RecipeEdit, SaysWhatSetsIt) {
  const auto settings = [](const std::string& schedule) {
    const Recipe recipe = tiny_recipe({"schedule=" + schedule});
    return settings_between(recipe, with_rate(recipe, 0.4), Environment().registries.variants());
  };
  EXPECT_EQ(settings("{name: one_cycle, policy: fastai, lr_max: 0.1}"),
            "--set schedule.lr_max=0.4");
  EXPECT_EQ(settings("{name: one_cycle, policy: smith, lr_max: 0.1, lr_min: 0.02}"),
            "--set schedule.lr_max=0.4 --set schedule.lr_min=0.04");
  EXPECT_EQ(settings("{name: constant, lr: 0.1}"), "--set schedule.lr=0.4");
  const Recipe recipe = tiny_recipe({});
  Recipe changed = recipe;
  changed.name = "two words";
  EXPECT_THAT(settings_between(recipe, changed, Environment().registries.variants()),
              HasSubstr("--set 'name="))
      << "one word of a shell";
}

}  // namespace
}  // namespace onecycle
