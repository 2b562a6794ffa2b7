#include "cli/signals.h"

#include <csignal>
#include <gtest/gtest.h>

namespace onecycle::testing {
namespace {

using namespace std::chrono_literals;

constexpr pid_t kTerminal = 0;
constexpr pid_t kManager = 1;
constexpr pid_t kLauncher = 4711;
const StopRequests::Clock::time_point kBegin{1h};

TEST(StopRequests, TheSecondOfOneSenderEndsAtOnce) {
  for (const int second : {SIGINT, SIGTERM}) {
    StopRequests requests;
    EXPECT_FALSE(requests.ends_at_once(SIGINT, kTerminal, kBegin));
    EXPECT_TRUE(requests.ends_at_once(second, kTerminal, kBegin));
  }
}

TEST(StopRequests, OneRequestMayComeFromSeveralSenders) {
  StopRequests requests;
  EXPECT_FALSE(requests.ends_at_once(SIGTERM, kManager, kBegin));
  EXPECT_FALSE(requests.ends_at_once(SIGTERM, kLauncher, kBegin + 100ms));
  EXPECT_TRUE(requests.ends_at_once(SIGTERM, kLauncher, kBegin + 200ms)) << "the user's second";
}

TEST(StopRequests, AfterSecondsAnotherSenderMeansIt) {
  StopRequests requests;
  EXPECT_FALSE(requests.ends_at_once(SIGINT, kTerminal, kBegin));
  EXPECT_TRUE(requests.ends_at_once(SIGTERM, kManager, kBegin + 20s));
}

TEST(StopRequests, AHangUpEndsInOrderHoweverOftenItIsTold) {
  StopRequests requests;
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(requests.ends_at_once(SIGHUP, kTerminal, kBegin));
  EXPECT_FALSE(requests.ends_at_once(SIGTERM, kTerminal, kBegin));
}

}  // namespace
}  // namespace onecycle::testing
