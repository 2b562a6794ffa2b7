// Who sets a quantity, and what is refused.

#include "schedule/support.h"
#include "schedule/used_numbers.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>

namespace onecycle {
namespace {

void expect_refused(const std::string& name, const std::string& words,
                    const ScheduleContext& context, const std::vector<std::string>& parts) {
  const std::string message = refusal_of(name, words, context);
  EXPECT_FALSE(message.empty()) << name << " " << words << " is accepted";
  for (const std::string& part : parts)
    EXPECT_NE(message.find(part), std::string::npos) << name << " " << words << ": " << message;
}

TEST(Constants, TheOptimizersLearningRateIsTheHighest) {
  const ScheduleContext context{.lr = 0.4};
  EXPECT_DOUBLE_EQ(peak_lr(*schedule_of("one_cycle", "", context), 100), 0.4);
  EXPECT_DOUBLE_EQ(peak_lr(*schedule_of("cyclical", "step_up=5it", context), 100), 0.4);
  EXPECT_DOUBLE_EQ(schedule_of("constant", "", context)->at(3, 100).lr, 0.4);
  EXPECT_DOUBLE_EQ(schedule_of("multistep", "milestones=[2it]", context)->at(3, 100).lr, 0.04);
  EXPECT_DOUBLE_EQ(schedule_of("cosine", "", context)->at(0, 100).lr, 0.4);
  EXPECT_DOUBLE_EQ(schedule_of("segments", "", context)->at(5, 100).lr, 0.4);
}

// By the papers' and the libraries' defaults, of 100 steps without warm-up or 90 after one of 10.
TEST(UsedNumbers, AreThoseOfOptionsThatAreLeftOpen) {
  const auto used = [](const char* name, const char* words, const ScheduleContext& context = {}) {
    std::map<std::string, std::string> found;
    for (const auto& [key, text] : used_numbers(*schedule_of(name, words, context), 100))
      found[key] = text;
    return found;
  };
  auto found = used("one_cycle", "lr_max=0.5 policy=smith");
  EXPECT_EQ(found["lr_min"], "0.05");
  EXPECT_EQ(found["stepsize"], "45it");
  EXPECT_EQ(found["final_div_factor"], "1000");
  EXPECT_EQ(found["momentum_max"], "0.95");
  EXPECT_FALSE(found.contains("pct_start")) << "smith has none";
  EXPECT_EQ(used("one_cycle", "lr_max=0.5 policy=smith warmup.duration=10it")["stepsize"], "40it");
  found = used("one_cycle", "policy=torch", {.lr = 0.5, .momentum = 0.9});
  EXPECT_EQ(found["lr_max"], "0.5");
  EXPECT_EQ(found["lr_min"], "0.02");
  EXPECT_EQ(found["pct_start"], "0.3");
  EXPECT_EQ(found["shape"], "cosine");
  EXPECT_EQ(found["cycle_momentum"], "false");
  found = used("cyclical", "lr_max=1 step_up=5it");
  EXPECT_EQ(found["lr_min"], "0.1");
  EXPECT_EQ(found["step_down"], "5it");
  const auto longer =
      extended(schedule_of("one_cycle", "lr_max=0.5 policy=smith"), {{100, Extend::hold}});
  const UsedNumbers held = used_numbers(*longer, 200);
  EXPECT_NE(
      std::find(held.begin(), held.end(), std::pair<std::string, std::string>("stepsize", "45it")),
      held.end());
}

TEST(Constants, MomentumAndDecay) {
  const Hyper unnamed = schedule_of("constant", "lr=1")->at(0, 10);
  EXPECT_DOUBLE_EQ(unnamed.momentum, 0.9);
  EXPECT_DOUBLE_EQ(unnamed.weight_decay, 0);
  const ScheduleContext context{.momentum = 0.7, .weight_decay = 1e-3};
  const char* schedules[][2] = {{"one_cycle", "lr_max=1"},
                                {"cyclical", "lr_max=1 step_up=3it"},
                                {"linear", "lr_from=0 lr_to=1"},
                                {"segments", "lr=[from:1|to:2]"}};
  for (const auto& [name, words] : schedules)
    for (std::int64_t step = 0; step < 20; ++step) {
      const Hyper hyper = schedule_of(name, words, context)->at(step, 10);
      EXPECT_DOUBLE_EQ(hyper.momentum, 0.7) << name;
      EXPECT_DOUBLE_EQ(hyper.weight_decay, 1e-3) << name;
    }
}

TEST(Constants, NamedTwiceIsRefusedWithBothKeys) {
  const ScheduleContext context{.lr = 0.1, .momentum = 0.9, .weight_decay = 1e-4};
  const ScheduleContext no_lr{.momentum = 0.9, .weight_decay = 1e-4};
  const auto both = [](const std::string& one, const std::string& other) {
    return std::vector<std::string>{"schedule." + one + ": ", "optimizer." + other + ": "};
  };
  expect_refused("one_cycle", "lr_max=1", context, both("lr_max", "lr"));
  expect_refused("cyclical", "lr_max=1", context, both("lr_max", "lr"));
  expect_refused("constant", "lr=1", context, both("lr", "lr"));
  expect_refused("linear", "lr_from=0 lr_to=1", context, both("lr_to", "lr"));
  expect_refused("multistep", "lr=1 milestones=[5it]", context, both("lr", "lr"));
  expect_refused("cosine", "lr_max=1", context, both("lr_max", "lr"));
  expect_refused("segments", "lr=[from:1]", context, both("lr", "lr"));
  expect_refused("one_cycle", "lr_max=1 momentum_min=0.8", no_lr, both("momentum_min", "momentum"));
  expect_refused("cyclical", "lr_max=1 cycle_momentum=true", no_lr,
                 both("cycle_momentum", "momentum"));
  expect_refused("constant", "lr=1 momentum.from=0.8", no_lr, both("momentum", "momentum"));
  expect_refused("segments", "lr=[from:1] momentum=[from:0.8]", no_lr,
                 both("momentum", "momentum"));
  expect_refused("one_cycle", "lr_max=1 weight_decay.from=0.1", no_lr,
                 both("weight_decay", "weight_decay"));
  expect_refused("segments", "lr=[from:1] weight_decay=[from:0.1]", no_lr,
                 both("weight_decay", "weight_decay"));
}

TEST(Constants, WithoutAnyLearningRateTheMessageSaysWhatToSet) {
  expect_refused("one_cycle", "", {}, {"schedule.lr_max", "optimizer.lr"});
  expect_refused("constant", "", {}, {"schedule.lr: ", "optimizer.lr"});
  expect_refused("multistep", "milestones=[5it]", {}, {"schedule.lr: ", "optimizer.lr"});
  expect_refused("linear", "lr_from=0", {}, {"schedule.lr_to", "is required"});
}

TEST(Policies, AnOptionOfAnotherPolicyIsRefused) {
  const char* const rows[][3] = {
      {"smith", "pct_start=0.3", "pct_start"},
      {"smith", "shape=linear", "shape"},
      {"smith_caffe", "three_phase=true", "three_phase"},
      {"fastai", "stepsize=5ep", "stepsize"},
      {"fastai", "lr_min=0.1", "lr_min"},
      {"fastai", "shape=linear", "shape"},
      {"torch", "stepsize=5ep", "stepsize"},
      {"torch", "lr_min=0.01", "lr_min"},
  };
  for (const auto& [policy, words, option] : rows)
    expect_refused("one_cycle", std::string("lr_max=1 policy=") + policy + " " + words, {},
                   {std::string("schedule.") + option, std::string("policy ") + policy});
}

TEST(Options, ContradictionsAreRefused) {
  const ScheduleContext with_lr{.lr = 0.1};
  expect_refused("one_cycle", "lr_max=1 lr_min=2", {}, {"schedule.lr_min", "lr_max"});
  expect_refused("one_cycle", "lr_min=2", with_lr, {"schedule.lr_min: 2 exceeds", "0.1"});
  expect_refused("one_cycle", "lr_max=1 lr_min=0.1 div_factor=10", {}, {"schedule.div_factor"});
  expect_refused("one_cycle", "lr_max=1 policy=torch shape=exponential", {}, {"linear or cosine"});
  expect_refused("one_cycle", "lr_max=1 policy=torch three_phase=true pct_start=0.6", {},
                 {"pct_start"});
  expect_refused("one_cycle", "lr_max=1 momentum_max=0.8", {}, {"momentum_min (0.85)", "(0.8)"});
  expect_refused("one_cycle", "lr_max=1 cycle_momentum=false momentum_max=0.9", {},
                 {"cycle_momentum"});
  expect_refused("cyclical", "lr_max=1 gamma=0.9", {}, {"schedule.gamma", "exp_range"});
  expect_refused("cosine", "lr_max=1 cycle_factor=2", {}, {"schedule.cycle_factor", "cycle"});
  expect_refused("cosine", "lr_min=2", with_lr, {"schedule.lr_min"});
  expect_refused("exponential", "lr_from=0 lr_to=1", {}, {"schedule.lr_from", "more than 0"});
  expect_refused("constant", "lr=1 weight_decay.to=1", {}, {"schedule.weight_decay.from"});
  expect_refused("constant", "lr=1 warmup.duration=5it warmup.shape=exponential", {},
                 {"schedule.warmup.from"});
  expect_refused("one_cycle", "lr_mx=1", {}, {"schedule.lr_mx", "lr_max"});
}

TEST(CycledMomentum, CanBeTurnedOff) {
  const auto schedule = schedule_of("one_cycle", "lr_max=1 cycle_momentum=false");
  for (std::int64_t step = 0; step < 20; ++step)
    EXPECT_DOUBLE_EQ(schedule->at(step, 20).momentum, 0.9);
}

TEST(WeightDecay, FollowsItsOwnCurveOverTheWholeRun) {
  const auto schedule = schedule_of(
      "one_cycle", "lr_max=1 weight_decay.from=0.4 weight_decay.to=0.1 warmup.duration=4it");
  for (std::int64_t step = 0; step < 22; ++step)
    EXPECT_NEAR(schedule->at(step, 11).weight_decay, step < 10 ? 0.4 - 0.03 * double(step) : 0.1,
                1e-15);
  EXPECT_DOUBLE_EQ(
      schedule_of("linear", "lr_from=0 lr_to=1 weight_decay.from=0.2")->at(5, 10).weight_decay,
      0.2);
}

// Before the schedule proper, which then takes the steps that remain.
TEST(Warmup, GoesBeforeTheSchedule) {
  const auto warmed = schedule_of("one_cycle", "lr_max=1 warmup.duration=0.5ep warmup.from=0.2",
                                  {.steps_per_epoch = 8});
  const auto bare = schedule_of("one_cycle", "lr_max=1");
  const double lr[] = {0.02, 0.04, 0.06, 0.08};
  for (std::int64_t step = 0; step < 4; ++step) {
    EXPECT_NEAR(warmed->at(step, 44).lr, lr[step], 1e-15) << step;
    EXPECT_DOUBLE_EQ(warmed->at(step, 44).momentum, 0.95);
  }
  for (std::int64_t step = 4; step < 60; ++step)
    EXPECT_EQ(warmed->at(step, 44), bare->at(step - 4, 40)) << step;
}

// What a run saves as its resolved recipe makes the same schedule again.
TEST(Options, ResolvedOptionsMakeTheSameSchedule) {
  const char* const rows[][2] = {
      {"one_cycle", "policy=torch lr_max=1 pct_start=0.4 warmup.duration=3it"},
      {"one_cycle", "policy=smith lr_max=1 stepsize=20it weight_decay.from=0.1"},
      {"cyclical", "lr_max=1 mode=exp_range step_up=5it"},
      {"cosine", "lr_max=1 cycle=10it momentum.from=0.9 momentum.to=0.8"},
      {"multistep", "lr=1 milestones=[3it,5it]"},
      {"segments", "lr=[duration:5it|from:1|to:2,from:3] momentum=[from:0.9]"},
  };
  for (const auto& [name, words] : rows) {
    SCOPED_TRACE(std::string(name) + " " + words);
    const ScheduleRegistry registry = builtin_schedules();
    const Choice once = choose(registry.variants(), name, options_in(words));
    const auto again = registry.make(choose(registry.variants(), name, options_of(once)), {});
    const auto first = schedule_of(name, words);
    for (std::int64_t step = 0; step < 60; ++step)
      ASSERT_EQ(again->at(step, 50), first->at(step, 50)) << step;
  }
}

// Made from C++, without a recipe.
TEST(TypedSchedules, AreThoseOfRecipes) {
  OneCycle cycle;
  cycle.lr_max = 0.5;
  cycle.policy = OneCycle::Policy::torch;
  cycle.warmup.duration = {3, Duration::Unit::steps};
  Cosine cosine;
  cosine.lr_max = 1;
  cosine.cycle = Duration{10, Duration::Unit::steps};
  Ramp ramp;
  ramp.shape = Shape::exponential;
  ramp.lr_from = 0.01;
  ramp.lr_to = 1;
  const std::pair<std::unique_ptr<Schedule>, std::unique_ptr<Schedule>> pairs[] = {
      {make_schedule(cycle, {}),
       schedule_of("one_cycle", "lr_max=0.5 policy=torch warmup.duration=3it")},
      {make_schedule(cosine, {}), schedule_of("cosine", "lr_max=1 cycle=10it")},
      {make_schedule(ramp, {}), schedule_of("exponential", "lr_from=0.01 lr_to=1")}};
  for (const auto& [typed, read] : pairs)
    for (std::int64_t step = 0; step < 60; ++step)
      ASSERT_EQ(typed->at(step, 50), read->at(step, 50)) << step;
  EXPECT_THROW(make_schedule(OneCycle{}, {}), FieldError) << "no rate";
}

TEST(Registry, HoldsEverySchedule) {
  std::vector<std::string> names;
  for (const Variant& variant : builtin_schedules().variants()) {
    names.push_back(variant.name);
    EXPECT_FALSE(markdown_of(*variant.options).empty());
    EXPECT_FALSE(json_schema_of(*variant.options).empty());
  }
  EXPECT_EQ(names, (std::vector<std::string>{"one_cycle", "cyclical", "constant", "linear",
                                             "exponential", "multistep", "cosine", "segments"}));
}

}  // namespace
}  // namespace onecycle
