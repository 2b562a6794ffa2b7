// The rules on curves whose edge is known, and that a range test leaves nothing behind.

#include "tuning/range_test.h"

#include "onecycle/error.h"

#include "train/decay.h"
#include "train/snapshot.h"
#include "train/support.h"
#include "tuning/overlay.h"
#include "tuning/recipe_edit.h"
#include "tuning/smoothing.h"

#include <cmath>
#include <csignal>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

namespace onecycle {
namespace {

using testing::HasSubstr;

// ---- Rules
// ---------------------------------------------------------------------------------------

TEST(FastaiRules, ReturnFastaisValues) {
  std::ifstream file(std::string(ONECYCLE_SOURCE_DIR) + "/tests/golden/range_rules.txt");
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
          run.data.validation.size(),
          run.data.test.size(),
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
Course course_of(const Recipe& recipe) {
  const Registries registries;
  const Value tree = recipe_options(registries.variants()).write(recipe);
  return plan_course(read_recipe(parse_yaml(write_yaml(tree), "edited.yaml"), registries), 80,
                     registries);
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
    EXPECT_NEAR(course_of(with_rate(recipe, 0.4)).optimizer.rule.lr_max, 0.4, 0.03);
    const Course steady = course_of(with_momentum(recipe, 0.97));
    EXPECT_DOUBLE_EQ(steady.schedule->at(0, steady.steps.total_steps).momentum, 0.97);
    EXPECT_DOUBLE_EQ(steady.schedule->at(45, steady.steps.total_steps).momentum, 0.97);
    for (const char* mode : {"l2", "decoupled", "independent"}) {
      Recipe in_mode = recipe;
      in_mode.optimizer.options.set("weight_decay_mode", Value::scalar(mode));
      const Course decayed = course_of(with_weight_decay(in_mode, 1e-3, 80, Registries()));
      const DecaySummary summary =
          summarise_decay(*decayed.schedule, decayed.optimizer.rule, decayed.steps.total_steps);
      EXPECT_NEAR(summary.l2, 1e-3, 1e-9) << mode;
    }
  }
  const Course cycled = course_of(with_cycled_momentum(
      tiny_recipe({"schedule=" + schedules[0], "optimizer.momentum=0.9", "train.duration=20ep"}),
      0.95, 0.8));
  EXPECT_DOUBLE_EQ(cycled.schedule->at(0, cycled.steps.total_steps).momentum, 0.95);
}

}  // namespace
}  // namespace onecycle
