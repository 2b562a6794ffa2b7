#include "schedule/curves.h"

#include "schedule/support.h"

#include <gtest/gtest.h>

namespace onecycle {
namespace {

TEST(Interpolate, ByHand) {
  EXPECT_DOUBLE_EQ(interpolate(Shape::linear, 2, 10, 0.25), 4);
  EXPECT_DOUBLE_EQ(interpolate(Shape::cosine, 2, 10, 0.5), 6);
  EXPECT_DOUBLE_EQ(interpolate(Shape::exponential, 1, 16, 0.75), 8);
  EXPECT_DOUBLE_EQ(interpolate(Shape::constant, 2, 10, 0.75), 2);
}

TEST(Interpolate, EndsAreExactAndHeld) {
  for (const Shape shape : {Shape::linear, Shape::cosine, Shape::exponential}) {
    EXPECT_EQ(interpolate(shape, 0.3, 1e-5, -1), 0.3);
    EXPECT_EQ(interpolate(shape, 0.3, 1e-5, 0), 0.3);
    EXPECT_EQ(interpolate(shape, 0.3, 1e-5, 1), 1e-5);
    EXPECT_EQ(interpolate(shape, 0.3, 1e-5, 7), 1e-5);
  }
}

TEST(Progress, CountsIntervalsAndStaysInBounds) {
  EXPECT_EQ(progress(0, 1), 0);
  EXPECT_EQ(progress(9, 1), 0);
  EXPECT_EQ(progress(0, 11), 0);
  EXPECT_DOUBLE_EQ(progress(5, 11), 0.5);
  EXPECT_EQ(progress(10, 11), 1);
  EXPECT_EQ(progress(100, 11), 1);
}

TEST(CurveOfPieces, EndsBelongToTheNextPieceAndEmptyOnesAreSkipped) {
  const Curve curve({{-1, 9, 9}, {4, 1, 3}, {4, 7, 7}, {6, 10, 20}});
  EXPECT_DOUBLE_EQ(curve.at(0), 1);
  EXPECT_DOUBLE_EQ(curve.at(2), 2);
  EXPECT_DOUBLE_EQ(curve.at(4), 10);
  EXPECT_DOUBLE_EQ(curve.at(5), 15);
  EXPECT_DOUBLE_EQ(curve.at(6), 20);
  EXPECT_DOUBLE_EQ(curve.at(60), 20);
}

TEST(CurveOfPieces, WithoutAnyLengthHoldsItsFirstValue) {
  EXPECT_DOUBLE_EQ(Curve({{0, 5, 6}, {0, 7, 8}}).at(0), 5);
}

TEST(Segments, ByHand) {
  // 10 steps: 4 up, half the run at 8 and down again, the rest at 1.
  const auto schedule =
      schedule_of("segments",
                  "lr=[duration:4it|from:0|to:8,fraction:0.4|to:2,from:1] "
                  "momentum=[from:0.9|to:0.45] weight_decay=[duration:5it|from:0.1,from:0.2]");
  const double lr[] = {0, 2, 4, 6, 8, 6.5, 5, 3.5, 1, 1};
  for (std::int64_t step = 0; step < 10; ++step) {
    const Hyper hyper = schedule->at(step, 10);
    EXPECT_NEAR(hyper.lr, lr[step], 1e-14) << step;
    EXPECT_NEAR(hyper.momentum, 0.9 - 0.05 * static_cast<double>(step), 1e-15) << step;
    EXPECT_NEAR(hyper.weight_decay, step < 5 ? 0.1 : 0.2, 1e-15) << step;
  }
}

TEST(Segments, OneThatEndsWithTheRunReachesItsEnd) {
  for (const char* words : {"lr=[fraction:0.3|from:1|to:5,fraction:0.7|to:2]", "lr=[from:5|to:2]",
                            "lr=[duration:10it|from:5|to:2]", "lr=[duration:0.5ep|from:5|to:2]"}) {
    SCOPED_TRACE(words);
    const auto schedule = schedule_of("segments", words, {.steps_per_epoch = 20});
    EXPECT_DOUBLE_EQ(schedule->at(9, 10).lr, 2);
    EXPECT_DOUBLE_EQ(schedule->at(25, 10).lr, 2);
  }
  EXPECT_DOUBLE_EQ(
      schedule_of("segments", "lr=[duration:9it|from:5,duration:1it|from:7|to:8]")->at(9, 10).lr,
      7);
}

TEST(Segments, RefusesListsThatSayTooLittleOrTooMuch) {
  const auto refused = [](const char* words, const char* reason) {
    const std::string message = refusal_of("segments", words);
    EXPECT_NE(message.find(reason), std::string::npos) << words << ": " << message;
  };
  refused("lr=[to:1]", "schedule.lr[0].from: is required");
  refused("lr=[from:1,from:2]", "schedule.lr[0].duration: is required, or fraction");
  refused("lr=[duration:5it|fraction:0.5|from:1]", "duration sets the length");
  refused("lr=[fraction:0.6|from:1,fraction:0.6]", "add up to 1.2");
  refused("lr=[from:1|to:0|shape:exponential]", "schedule.lr[0].shape: exponential needs");
  refused("lr=[from:1|too:2]", "schedule.lr[0].too: unknown key");
  refused("lr=5", "expected a list of maps");
  refused("lr=[from:1] momentum=[from:0.9|to:1]", "schedule.momentum[0].to: must be in [0, 1)");
  refused("", "schedule.lr: no learning rate");
}

}  // namespace
}  // namespace onecycle
