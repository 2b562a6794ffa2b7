// The time left, against runs of made-up times, step by step.

#include "observe/time_left.h"

#include <gtest/gtest.h>

namespace onecycle {
namespace {

// 400 steps of 50 samples, evaluated every 20 and tested every 100.
RunBegin made_up() {
  RunBegin run;
  run.total_steps = 400;
  run.total_batch = 50;
  run.evaluate_every = 20;
  run.test_every = 100;
  run.validation_samples = 1000;
  run.test_samples = 3000;
  return run;
}

struct Times {
  double first_step = 0.1;
  double step = 0.1;
  double sample = 0;            // evaluated
  double first_evaluation = 0;  // what it takes beyond
  std::int64_t log_every = 5;
};

// What a run says after `told` steps, before any evaluation at them, and what came.
struct Said {
  std::optional<double> left;
  double came = 0;
};

Said run_of(const RunBegin& run, const Times& times, std::int64_t told) {
  double now = 1000;
  double told_at = 0;
  bool first = true;
  Said said;
  TimeLeft left;
  left.begin(run, now);
  for (std::int64_t steps = run.first_step + 1; steps <= run.total_steps; ++steps) {
    now += steps == run.first_step + 1 ? times.first_step : times.step;
    left.stepped(steps, now);
    if (steps == told) {
      said.left = left.seconds();
      told_at = now;
    }
    const bool last = steps == run.total_steps;
    const bool tests = last || (run.test_every > 0 && steps % run.test_every == 0);
    const bool evaluates = tests || (run.evaluate_every > 0 && steps % run.evaluate_every == 0);
    if (evaluates || steps % times.log_every == 0) left.logged(steps, now);
    if (!evaluates) continue;
    now +=
        times.sample * static_cast<double>(run.validation_samples + (tests ? run.test_samples : 0));
    if (first) now += times.first_evaluation;
    first = false;
    left.evaluated(tests, now);
  }
  said.came = now - told_at;
  return said;
}

TEST(TimeLeft, TheFirstStepIsNotTakenForAll) {
  RunBegin run = made_up();
  run.validation_samples = run.test_samples = 0;
  for (const std::int64_t told : {2, 4, 5, 6, 60, 399}) {
    const Said said = run_of(run, {.first_step = 30}, told);
    ASSERT_TRUE(said.left) << told;
    EXPECT_NEAR(*said.left, said.came, 1e-6) << told;
  }
  EXPECT_FALSE(run_of(run, {.first_step = 30}, 1).left);
}

// A forward pass of 4000 samples is 80 steps' worth of one, and there are 20 evaluations.
TEST(TimeLeft, EvaluationsToComeCountBeforeTheFirst) {
  const Said said = run_of(made_up(), {.sample = 0.1 / 50 / 3}, 10);
  ASSERT_TRUE(said.left);
  EXPECT_NEAR(*said.left, said.came, 1e-6);
  EXPECT_NEAR(said.came, 390 * 0.1 + (20 * 1000 + 4 * 3000) * 0.1 / 150, 1e-6);
}

// Evaluations that are slower than thought: within a quarter after the first, right after the
// second, the first's set-up left out.
TEST(TimeLeft, EvaluationsAreMeasured) {
  const Times times = {.sample = 0.02, .first_evaluation = 5};
  const Said early = run_of(made_up(), times, 25);
  ASSERT_TRUE(early.left);
  EXPECT_NEAR(*early.left, early.came, early.came / 4);
  for (const std::int64_t told : {45, 140, 201, 390}) {
    const Said said = run_of(made_up(), times, told);
    ASSERT_TRUE(said.left) << told;
    EXPECT_NEAR(*said.left, said.came, 1e-6) << told;
  }
}

TEST(TimeLeft, WithIntervalsThatDoNotDivideOneAnother) {
  RunBegin run = made_up();
  for (const auto& [every, test_every] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{30, 45}, {7, 1000}, {1000, 7}, {1, 1}}) {
    run.evaluate_every = every;
    run.test_every = test_every;
    const Said said = run_of(run, {.sample = 0.1 / 50 / 3}, 13);
    ASSERT_TRUE(said.left);
    EXPECT_NEAR(*said.left, said.came, 1e-6) << every << " and " << test_every;
  }
}

TEST(TimeLeft, OfAResumedRun) {
  RunBegin run = made_up();
  run.first_step = 250;
  const Said said = run_of(run, {.first_step = 9, .sample = 0.02}, 330);
  ASSERT_TRUE(said.left);
  EXPECT_NEAR(*said.left, said.came, 1e-6);
}

// Steps that a device has only queued look quick until it is read.
TEST(TimeLeft, GoesByWhatTheDeviceHasDone) {
  RunBegin run = made_up();
  run.validation_samples = run.test_samples = 0;
  TimeLeft left;
  left.begin(run, 0);
  for (std::int64_t steps = 1; steps <= 60; ++steps) {
    left.stepped(steps, static_cast<double>((steps - 1) / 20 * 20) + 0.001);
    if (steps % 20 == 0) left.logged(steps, static_cast<double>(steps));
  }
  ASSERT_TRUE(left.seconds());
  EXPECT_NEAR(*left.seconds(), 340, 1e-6);
}

TEST(TimeLeft, StartsAnewAfterAFallback) {
  RunBegin run = made_up();
  run.validation_samples = run.test_samples = 0;
  TimeLeft left;
  left.begin(run, 0);
  for (std::int64_t steps = 1; steps <= 60; ++steps)
    left.stepped(steps, static_cast<double>(steps));
  left.restart(20, 100);
  EXPECT_FALSE(left.seconds());
  left.stepped(21, 150);
  left.stepped(22, 152);
  ASSERT_TRUE(left.seconds());
  EXPECT_NEAR(*left.seconds(), 378 * 2, 1e-6);
}

}  // namespace
}  // namespace onecycle
