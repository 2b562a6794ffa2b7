#include "observe/starvation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vector>

namespace onecycle::testing {
namespace {

using ::testing::HasSubstr;

// What a run says whose thread's times are these, at its begin and at each log point.
std::vector<std::string> said(const std::vector<std::optional<RunQueueTimes>>& times) {
  std::vector<std::string> lines;
  std::size_t look = 0;
  StarvationWatch watch([&](const std::string& line) { lines.push_back(line); },
                        [&] { return times.at(std::min(look++, times.size() - 1)); });
  watch.on_run_begin({});
  StopSignal stop;
  for (std::size_t i = 1; i < times.size(); ++i) watch.on_log_point({}, stop);
  return lines;
}

TEST(Starvation, IsToldOnceWithItsShare) {
  const auto lines = said(
      {RunQueueTimes{10, 1}, RunQueueTimes{11, 3}, RunQueueTimes{13, 7}, RunQueueTimes{15, 20}});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], HasSubstr("67 %"));
  EXPECT_THAT(lines[0], HasSubstr("train.threads"));
}

TEST(Starvation, AQuietMachineIsNotSpokenOf) {
  EXPECT_TRUE(said({RunQueueTimes{1, 5}, RunQueueTimes{11, 5.2}, RunQueueTimes{12, 90}}).empty())
      << "what was before the run, and after the look, does not count";
}

TEST(Starvation, NothingIsSaidTooEarlyOrWithoutFigures) {
  EXPECT_TRUE(said({RunQueueTimes{1, 0}, RunQueueTimes{2, 3}}).empty());
  EXPECT_TRUE(said({std::nullopt, RunQueueTimes{9, 90}}).empty());
  EXPECT_TRUE(said({RunQueueTimes{1, 0}, std::nullopt}).empty());
}

TEST(Starvation, TheKernelsFiguresGrow) {
  const auto before = run_queue_times();
  if (!before) GTEST_SKIP() << "this kernel counts no waiting";
  volatile double work = 0;
  for (int i = 0; i < 20'000'000; ++i) work = work + i;
  EXPECT_GT(run_queue_times()->running, before->running);
}

}  // namespace
}  // namespace onecycle::testing
