// A look at a whole run: exact where it is short, bounded and close where it is not.

#include "schedule/survey.h"

#include "schedule/support.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <set>

namespace onecycle {
namespace {

struct Found {
  std::int64_t looks = 0;
  std::int64_t steps = 0;  // that the looks stand for
  double lr_sum = 0;
  double highest = 0;
  std::set<std::int64_t> seen;
};

Found survey_of(const Schedule& schedule, std::int64_t total) {
  Found found;
  survey(schedule, total, [&](std::int64_t step, const Hyper& hyper, std::int64_t count) {
    ASSERT_GE(step, 0);
    ASSERT_LT(step, total);
    ASSERT_EQ(hyper, schedule.at(step, total));
    ++found.looks;
    found.steps += count;
    found.lr_sum += static_cast<double>(count) * hyper.lr;
    found.highest = std::max(found.highest, hyper.lr);
    found.seen.insert(step);
  });
  return found;
}

TEST(Survey, LooksAtEveryStepOfAShortRun) {
  for (const std::int64_t total :
       {std::int64_t{1}, std::int64_t{2}, std::int64_t{1000}, kWholeSurvey}) {
    const Found found = survey_of(*schedule_of("one_cycle", "lr_max=1"), total);
    EXPECT_EQ(found.looks, total);
    EXPECT_EQ(found.steps, total);
    EXPECT_EQ(static_cast<std::int64_t>(found.seen.size()), total);
  }
}

TEST(Survey, IsBoundedHoweverLongTheRun) {
  for (std::int64_t total = kWholeSurvey + 1; total <= std::int64_t{1} << 53; total *= 8) {
    const Found found = survey_of(*schedule_of("one_cycle", "lr_max=1"), total);
    EXPECT_LT(found.looks, 100'000) << total;
    EXPECT_EQ(found.steps, total);
    EXPECT_TRUE(found.seen.contains(0));
    EXPECT_TRUE(found.seen.contains(total - 1));
  }
}

// The integrals by hand: one rise to 1 and one fall from it are each half their length.
TEST(Survey, SumsAreCloseAlsoWhereCyclesAreShort) {
  struct Row {
    const char* name;
    const char* words;
    double mean;
  };
  const Row rows[] = {
      {"one_cycle", "policy=smith lr_max=1", 0.9 * 0.55 + 0.1 * 0.05005},
      {"one_cycle", "policy=fastai lr_max=1", 0.25 * 0.52 + 0.75 * 0.500005},
      {"cyclical", "lr_max=1 step_up=1024it", 0.55},
      {"cyclical", "lr_max=1 step_up=1000it step_down=7it", 0.55},
      {"constant", "lr=0.3 warmup.duration=1000it", 0.3},
      {"multistep", "lr=1 milestones=[500000000it]", 0.55},
  };
  constexpr std::int64_t kTotal = 1'000'000'000;
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(row.name) + " " + row.words);
    const Found found = survey_of(*schedule_of(row.name, row.words), kTotal);
    EXPECT_NEAR(found.lr_sum / kTotal / row.mean, 1, 1e-3);
  }
}

TEST(Survey, FindsTheHighestRateOfALongRun) {
  const char* schedules[][2] = {
      {"one_cycle", "policy=smith lr_max=1"},
      {"one_cycle", "policy=smith lr_max=1 stepsize=123456789it warmup.duration=1001it"},
      {"one_cycle", "policy=smith_caffe lr_max=1 stepsize=123456789it"},
      {"one_cycle", "policy=torch lr_max=1 pct_start=0.3"},
      {"one_cycle", "policy=fastai lr_max=1 pct_start=0.3"},
      {"cyclical", "lr_max=1 step_up=1001it"},
      {"cyclical", "lr_max=1 step_up=77777777it mode=triangular2"},
      {"cyclical", "lr_max=1 step_up=40003it mode=exp_range gamma=1"},
      {"segments", "lr=[duration:777777777it|from:0|to:0.5,duration:9it|from:1,from:0.1]"},
      {"linear", "lr_from=0 lr_to=1"},
  };
  for (const auto& [name, words] : schedules)
    EXPECT_NEAR(survey_of(*schedule_of(name, words), 1'000'000'000).highest, 1, 1e-12)
        << name << " " << words;
}

// The second cycle's peak stands where no sample need fall.
TEST(Survey, KnowsTheCornersOfAnExtendedRun) {
  const auto schedule = extended(schedule_of("one_cycle", "policy=smith lr_max=1"),
                                 {{800'000'001, Extend::hold}, {900'000'001, Extend::new_cycle}});
  const auto corners = corners_of(*schedule, 1'000'000'001);
  for (const std::int64_t corner : {360'000'000, 720'000'000, 800'000'001, 945'000'001})
    EXPECT_NE(std::find(corners.begin(), corners.end(), corner), corners.end()) << corner;
}

}  // namespace
}  // namespace onecycle
