#include "cli/busy_machine.h"

#include "core/process/processors.h"
#include "support/comes_true.h"
#include "support/environment.h"

#include <atomic>
#include <gtest/gtest.h>
#include <omp.h>
#include <sys/resource.h>

namespace onecycle::testing {
namespace {

// Two threads that each wanted a tenth of a second a look.
class Looks {
 public:
  Crowding::Times next(double share_waited) {
    for (const int thread : {1, 2}) {
      times_[thread].running += .1 * (1 - share_waited);
      times_[thread].waiting += .1 * share_waited;
    }
    return times_;
  }

 private:
  Crowding::Times times_;
};

class CrowdingTest : public ::testing::Test {
 protected:
  void SetUp() override { look(1, 0); }

  bool look(int times, double share_waited) {
    bool busy = false;
    for (int i = 0; i < times; ++i) busy = crowding_.look(looks_.next(share_waited));
    return busy;
  }

  Looks looks_;
  Crowding crowding_;
};

TEST_F(CrowdingTest, ASingleCrowdedLookIsNone) {
  EXPECT_FALSE(look(1, .5));
  EXPECT_TRUE(crowding_.suspects());
  EXPECT_FALSE(look(1, 0));
  EXPECT_FALSE(crowding_.suspects());
  EXPECT_FALSE(look(1, .5));
}

TEST_F(CrowdingTest, TwoMakeItBusyAndFiveQuietOnesQuietAgain) {
  EXPECT_TRUE(look(2, .2));
  EXPECT_TRUE(look(4, 0));
  EXPECT_FALSE(look(1, 0));
}

TEST_F(CrowdingTest, ACrowdedLookBeginsTheCountOfQuietOnesAnew) {
  look(2, .2);
  look(4, 0);
  look(1, .2);
  EXPECT_TRUE(look(4, 0));
}

TEST_F(CrowdingTest, ThreadsThatDoNotRunSayNothing) {
  look(2, .2);
  const auto still = looks_.next(0);
  bool busy = false;
  for (int i = 0; i < 20; ++i) busy = crowding_.look(still);
  EXPECT_TRUE(busy);
}

TEST_F(CrowdingTest, AThreadThatIsNewIsNotCountedForItsPast) {
  auto times = looks_.next(0);
  for (int thread = 3; thread < 6; ++thread) {
    times[thread] = {0, 100};
    EXPECT_FALSE(crowding_.look(times));
  }
}

int threads_of_this_process() { return static_cast<int>(run_queue_times_of_threads().size()); }

class BusyMachine : public ::testing::Test {
 protected:
  void SetUp() override {
    if (run_queue_times_of_threads().empty()) GTEST_SKIP() << "this kernel counts no waiting";
  }
  BusyMachineWatch::Times times() {
    return [this, looks = Looks()]() mutable { return looks.next(busy_ ? .5 : 0); };
  }

  std::atomic<bool> busy_ = true;
};

TEST_F(BusyMachine, HoldsMoreThreadsThanProcessorsWhileItIsBusy) {
  const int before = threads_of_this_process();
  const BusyMachineWatch watch(times());
  EXPECT_TRUE(comes_true([&] { return threads_of_this_process() > before + omp_get_num_procs(); }));
  busy_ = false;
  EXPECT_TRUE(comes_true([&] { return threads_of_this_process() == before + 1; }));
}

TEST_F(BusyMachine, EndsAtOnceWhileItHoldsThem) {
  const int before = threads_of_this_process();
  {
    const BusyMachineWatch watch(times());
    EXPECT_TRUE(
        comes_true([&] { return threads_of_this_process() > before + omp_get_num_procs(); }));
  }
  EXPECT_TRUE(comes_true([&] { return threads_of_this_process() == before; }));
}

// fit-batch measures under such a limit: a busy machine would have smaller batches fit.
TEST_F(BusyMachine, HoldsNoneUnderALimitOfData) {
  const int before = threads_of_this_process();
  const BusyMachineWatch watch(times());
  EXPECT_TRUE(comes_true([&] { return threads_of_this_process() > before + omp_get_num_procs(); }));
  rlimit unlimited{};
  ::getrlimit(RLIMIT_DATA, &unlimited);
  const rlimit limited{rlim_t{1} << 40, unlimited.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_DATA, &limited), 0);
  EXPECT_TRUE(comes_true([&] { return threads_of_this_process() == before + 1; }));
  ::setrlimit(RLIMIT_DATA, &unlimited);
}

TEST_F(BusyMachine, DoesNothingWhereTheUserChose) {
  const Environment chosen(Environment::Variables{{"GOMP_SPINCOUNT", "77"}});
  const int before = threads_of_this_process();
  const BusyMachineWatch watch(times());
  EXPECT_EQ(threads_of_this_process(), before);
}

}  // namespace
}  // namespace onecycle::testing
