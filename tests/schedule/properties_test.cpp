// What holds for every schedule at every step, also beyond the run's end.

#include "schedule/support.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

namespace onecycle {
namespace {

struct Promise {
  const char* name;
  const char* words;
  double lr_low, lr_high;
  double momentum_low, momentum_high;
  double slope;  // largest change of LR per step times total, of a continuous curve; 0: it jumps
};

// Linear: rise over the shortest way; cosine: times pi/2; exponential: |ln(to/from)| times the
// higher end.
const Promise kPromises[] = {
    {"one_cycle", "policy=smith lr_max=1", 1e-4, 1, .85, .95, 2.3},
    {"one_cycle", "policy=smith lr_max=1 stepsize=70it", 1e-4, 1, .85, .95, 0},
    {"one_cycle", "policy=smith lr_max=1 lr_min=0", 0, 1, .85, .95, 2.6},
    {"one_cycle", "policy=smith_caffe lr_max=1.2", 1e-4, 1.2, .85, .95, 3},
    {"one_cycle", "policy=fastai lr_max=1", 1e-5, 1, .85, .95, 6.5},
    {"one_cycle", "policy=fastai lr_max=1 div_factor=2 final_div_factor=1", 0.5, 1, .85, .95, 3.4},
    {"one_cycle", "policy=torch lr_max=1", 1 / 2.5e5, 1, .85, .95, 0},
    {"one_cycle", "policy=torch lr_max=1 three_phase=true shape=linear", 1 / 2.5e5, 1, .85, .95, 0},
    {"one_cycle", "policy=torch lr_max=1 three_phase=true pct_start=0.5", 1 / 2.5e5, 1, .85, .95,
     0},
    {"one_cycle", "policy=torch lr_max=1 pct_start=1", 1 / 2.5e5, 1, .85, .95, 0},
    {"one_cycle", "policy=torch lr_max=1 pct_start=0", 1 / 2.5e5, 1, .85, .95, 0},
    {"one_cycle", "lr_max=1 warmup.duration=10it warmup.from=0.1", 1e-4, 1, .85, .95, 0},
    {"cyclical", "lr_max=1 step_up=3it step_down=5it", 0.1, 1, .85, .95, 0},
    {"cyclical", "lr_max=1 mode=triangular2 step_up=3it", 0.1, 1, .85, .95, 0},
    {"cyclical", "lr_max=1 mode=exp_range gamma=0.9 step_up=7it", 0.1, 1, .85, .95, 0},
    {"constant", "lr=1", 1, 1, .9, .9, 1e-9},
    {"constant", "lr=1 warmup.duration=400it", 0, 1, .9, .9, 0},
    {"linear", "lr_from=0 lr_to=3 momentum.from=0.95 momentum.to=0.8", 0, 3, .8, .95, 3.1},
    {"exponential", "lr_from=1e-7 lr_to=10", 1e-7, 10, .9, .9, 190},
    {"multistep", "lr=1 milestones=[20it,30it]", 0.01, 1, .9, .9, 0},
    {"cosine", "lr_max=1 lr_min=0.01", 0.01, 1, .9, .9, 1.6},
    {"cosine", "lr_max=1 cycle=5it cycle_factor=3", 0, 1, .9, .9, 0},
    {"segments", "lr=[fraction:0.5|from:1|to:3|shape:cosine,from:3|to:0.1|shape:exponential]", 0.1,
     3, .9, .9, 21},
};

TEST(EverySchedule, StaysInItsBoundsAlsoBeyondTheRun) {
  for (const Promise& promise : kPromises) {
    const auto schedule = schedule_of(promise.name, promise.words);
    for (const std::int64_t total : {1, 2, 3, 4, 5, 7, 10, 33, 100, 317}) {
      SCOPED_TRACE(std::string(promise.name) + " " + promise.words + ", total " +
                   std::to_string(total));
      for (std::int64_t step = 0; step <= 2 * total; ++step) {
        const Hyper hyper = schedule->at(step, total);
        ASSERT_GE(hyper.lr, promise.lr_low * (1 - 1e-14)) << step;
        ASSERT_LE(hyper.lr, promise.lr_high) << step;
        ASSERT_GE(hyper.momentum, promise.momentum_low) << step;
        ASSERT_LE(hyper.momentum, promise.momentum_high) << step;
        ASSERT_EQ(hyper.weight_decay, 0) << step;
      }
    }
  }
}

// Also where there is no room for a phase, and where PyTorch divides by zero.
TEST(OneCycle, StaysInItsBoundsForEveryShareOnTheWayUp) {
  for (const char* policy : {"fastai", "torch", "torch shape=linear", "torch three_phase=true"})
    for (const double pct :
         {0.0, 0.01, 0.025, 0.05, 0.1, 0.25, 0.3, 0.45, 0.5, 0.75, 0.9, 0.99, 1.0}) {
      const std::string words = std::string("lr_max=1 policy=") + policy;
      if (words.ends_with("three_phase=true") && pct > 0.5) continue;
      const auto schedule = schedule_of("one_cycle", words + " pct_start=" + std::to_string(pct));
      for (std::int64_t total = 1; total <= 40; ++total)
        for (std::int64_t step = 0; step <= 2 * total + 2; ++step) {
          SCOPED_TRACE(words + " pct_start=" + std::to_string(pct) + ", " + std::to_string(step) +
                       " of " + std::to_string(total));
          const Hyper hyper = schedule->at(step, total);
          ASSERT_GE(hyper.lr, 1 / 2.5e5 * (1 - 1e-14));
          ASSERT_LE(hyper.lr, 1);
          ASSERT_GE(hyper.momentum, 0.85);
          ASSERT_LE(hyper.momentum, 0.95);
        }
    }
}

TEST(EverySchedule, IsContinuousWherePromised) {
  for (const Promise& promise : kPromises) {
    if (promise.slope == 0) continue;
    const auto schedule = schedule_of(promise.name, promise.words);
    for (const std::int64_t total : {50, 317, 5000}) {
      SCOPED_TRACE(std::string(promise.name) + " " + promise.words + ", total " +
                   std::to_string(total));
      for (std::int64_t step = 1; step < 2 * total; ++step)
        ASSERT_LE(std::abs(schedule->at(step, total).lr - schedule->at(step - 1, total).lr),
                  promise.slope / static_cast<double>(total - 1))
            << step;
    }
  }
}

// Up goes one, down the other; one_cycle's last phases move the rate alone.
TEST(CycledMomentum, MovesAgainstTheLearningRate) {
  const double tiny = 1e-12;
  for (const Promise& promise : kPromises) {
    if (promise.momentum_low == promise.momentum_high || std::string(promise.name) == "linear")
      continue;
    SCOPED_TRACE(std::string(promise.name) + " " + promise.words);
    const auto schedule = schedule_of(promise.name, promise.words);
    int opposite = 0;
    for (std::int64_t step = 1; step < 100; ++step) {
      const Hyper before = schedule->at(step - 1, 100);
      const Hyper now = schedule->at(step, 100);
      const double product = (now.lr - before.lr) * (now.momentum - before.momentum);
      ASSERT_LE(product, tiny) << step;
      opposite += product < -tiny;
    }
    EXPECT_GE(opposite, 15);
  }
}

TEST(EverySchedule, IsAPureFunction) {
  for (const Promise& promise : kPromises) {
    const auto schedule = schedule_of(promise.name, promise.words);
    const Hyper middle = schedule->at(40, 100);
    schedule->at(3, 7);
    schedule->at(99, 100);
    EXPECT_EQ(schedule->at(40, 100), middle) << promise.name;
    EXPECT_EQ(schedule_of(promise.name, promise.words)->at(40, 100), middle) << promise.name;
  }
}

TEST(PeakLr, IsTheHighestOfTheStepsTaken) {
  EXPECT_DOUBLE_EQ(peak_lr(*schedule_of("one_cycle", "lr_max=3"), 1000), 3);
  EXPECT_DOUBLE_EQ(peak_lr(*schedule_of("cyclical", "lr_max=1 step_up=100it"), 51), 0.55);
  EXPECT_DOUBLE_EQ(peak_lr(*schedule_of("constant", "lr=0.2"), 1), 0.2);
  EXPECT_DOUBLE_EQ(peak_lr(*schedule_of("linear", "lr_from=0.5 lr_to=0.1"), 10), 0.5);
}

}  // namespace
}  // namespace onecycle
