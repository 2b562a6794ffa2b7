// What a trial trains: the recipe under a setting, and a whole cycle in a share of its length.

#include "onecycle/error.h"

#include "search_support.h"
#include "support/choices.h"
#include "yaml/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle::testing {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kSamples = 900;  // nine steps an epoch

Recipe recipe_with(const std::string& schedule) {
  Value document = parse_yaml(
      "data: {format: {name: synthetic, train: 1000}, batch_size: 100, validation: 100}\n"
      "model: {name: mlp, hidden: [8]}\ntrain: {duration: 90ep}\n",
      "base.yaml");
  apply_override(document, "schedule=" + schedule);
  return read_recipe(document, Registries());
}

// Every ninth value of the whole cycle is the compressed one's.
void expect_same_cycle(const std::string& schedule) {
  const Environment environment;
  const Recipe whole = recipe_with(schedule);
  const Recipe part = compressed(whole, 1.0 / 9);
  const RunPlan longer = plan_run(whole, kSamples, environment);
  const RunPlan shorter = plan_run(part, kSamples, environment);
  ASSERT_EQ(longer.steps.total_steps, 810);
  ASSERT_EQ(shorter.steps.total_steps, 90);
  for (const double share : {0.0, 0.1, 0.25, 0.5, 0.6, 0.9}) {
    const auto at = static_cast<std::int64_t>(share * 90);
    const double lr = longer.schedule->at(9 * at, 810).lr;
    EXPECT_NEAR(shorter.schedule->at(at, 90).lr, lr, 0.04 * longer.optimizer.rule.lr_max)
        << schedule << " at " << share;
  }
}

TEST(SearchRecipe, ARungTrainsTheWholeCycleCompressed) {
  expect_same_cycle("{name: one_cycle, policy: smith, lr_max: 1, stepsize: 36ep}");
  expect_same_cycle("{name: one_cycle, policy: smith, lr_max: 1, stepsize: 324it}");
  expect_same_cycle("{name: one_cycle, policy: fastai, lr_max: 1, warmup: {duration: 9ep}}");
  expect_same_cycle("{name: multistep, lr: 1, milestones: [45ep, 72ep]}");
  expect_same_cycle(
      "{name: cyclical, lr_min: 0.1, lr_max: 1, step_up: 27ep, mode: exp_range, gamma: 0.998}");
}

TEST(SearchRecipe, ASettingReplacesItsKeys) {
  const auto options = search_of(
      "space: {optimizer.weight_decay: [0.01], optimizer.name: [adamw, sgd], model.hidden: [[4]]}");
  const Recipe base = recipe_with("{name: one_cycle, lr_max: 1}");
  const Recipe recipe = recipe_of(base, options.space, settings_of(options)[0], Registries());
  const std::string name = settings_of(options)[0][1].text;
  EXPECT_EQ(recipe.optimizer.name, name);
  EXPECT_EQ(option_of(recipe.optimizer, "weight_decay"), "0.01");
  EXPECT_EQ(option_of(recipe.model, "hidden"), "[4]");
}

TEST(SearchRecipe, WhatTheRecipeRefusesIsFoundBeforehand) {
  const Recipe base = recipe_with("{name: one_cycle, lr_max: 1}");
  const auto problem = [&](const std::string& yaml) -> std::string {
    Problems problems;
    check_space(base, search_of(yaml), Registries(), problems);
    return problems.empty() ? "" : problems.found().front().text();
  };
  EXPECT_EQ(problem("space: {schedule.lr_max: {log_uniform: [0.1, 1]}, seed: [1, 2]}"), "");
  EXPECT_EQ(problem("space: {optimizer.beta2: [0.9], optimizer.name: [adamw, sgd]}"), "");
  EXPECT_THAT(problem("space: {schedule.lrmax: [1]}"),
              HasSubstr("space.yaml:1:9: schedule.lrmax: unknown key; did you mean 'lr_max'?"));
  EXPECT_THAT(problem("space: {schedule.lr_max: [1, -1]}"), HasSubstr("space.yaml:1:30: "));
  EXPECT_THAT(problem("space: {train.duration: [5]}"), HasSubstr("expected a duration"));
  EXPECT_THAT(problem("space: {output.dir: [a]}"), HasSubstr("cannot be searched"));
}

TEST(SearchRecipe, RungsShrinkAsTheirCyclesGrow) {
  const auto options = search_of("method: halving\ntrials: 30\nspace: {seed: {int: [1, 1000]}}");
  const auto rungs = rungs_of(options, 30);
  ASSERT_EQ(rungs.size(), 3U);
  EXPECT_EQ(rungs[0].trials, 30);
  EXPECT_EQ(rungs[1].trials, 10);
  EXPECT_EQ(rungs[2].trials, 3);
  EXPECT_DOUBLE_EQ(rungs[0].share, 1.0 / 9);
  EXPECT_DOUBLE_EQ(rungs[2].share, 1);
  EXPECT_EQ(size_text(options), "30 trials in 0.111 of the cycle, 10 in 0.333, 3 in 1");
  EXPECT_EQ(rungs_of(search_of("trials: 5\nspace: {seed: [1]}"), 5).size(), 1U);
}

}  // namespace
}  // namespace onecycle::testing
