// Words about the curve of a run, on curves whose story is known.

#include "onecycle/verdict.h"

#include "train/recorded_curves.h"

#include <cmath>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

struct SlopeCase {
  std::vector<double> x, y;
  Slope expected;
};

// scipy.stats.theilslopes(y, x, 0.95) of SciPy 1.15.
const std::vector<SlopeCase> kSciPy = {
    {{1.012, 2.462, 3.106, 4.555},
     {2.519, 2.616, 1.1, 4.351},
     {0.291986238041, -2.35403726708, 2.24361628709}},
    {{1.05, 1.577, 2.831, 3.869, 4.699},
     {0.409, 0.14, 3.179, 2.788, 2.704},
     {0.725103926571, -0.510436432638, 2.42344497608}},
    {{0.703, 1.466, 2.716, 3.497, 4.482, 5.962, 7.424, 8.649},
     {0.143, 0.182, 2.328, 2.883, 7.373, 1.949, 4.442, 10.14},
     {1.03305874024, 0.343411294923, 1.91320455147}},
    {{1.417, 1.957, 2.985, 3.945, 4.507, 5.648, 7.001, 8.094, 8.854, 10.194, 11.204, 12.214,
      13.467},
     {-0.021, 2.557, 3.872, 3.403, 1.518, 5.417, 3.898, 7.424, 4.054, 8.965, 7.803, 6.052, 8.799},
     {0.581781790887, 0.265860428232, 0.820523303352}},
    {{0.507,  1.653,  2.873,  4.208,  4.99,   5.705,  6.845,  8.15,   9.613,  10.264,
      11.246, 12.641, 13.564, 14.653, 15.178, 16.351, 17.77,  19.097, 20.483, 21.643,
      22.388, 23.657, 24.369, 25.7,   26.263, 27.588, 28.253, 29.128, 29.944, 31.136},
     {2.107,  1.67,   1.821,  2.428,  5.604,  -0.508, 4.514,  5.771,  3.878,  7.85,
      6.57,   10.574, 9.244,  11.595, 13.062, 12.212, 10.688, 10.339, 17.845, 14.928,
      14.294, 16.848, 16.675, 19.694, 18.452, 19.339, 18.348, 21.329, 18.893, 23.127},
     {0.697791330147, 0.629539951574, 0.770960083098}},
};

TEST(TheilSen, AgainstSciPy) {
  for (const SlopeCase& c : kSciPy) {
    const Slope slope = theil_sen(c.x, c.y);
    EXPECT_NEAR(slope.value, c.expected.value, 1e-9) << c.x.size();
    EXPECT_NEAR(slope.low, c.expected.low, 1e-9) << c.x.size();
    EXPECT_NEAR(slope.high, c.expected.high, 1e-9) << c.x.size();
  }
}

// scipy.stats.theilslopes leaves out pairs at one x, too.
TEST(TheilSen, LeavesOutPairsWithoutASlope) {
  const double nan = std::nan("");
  EXPECT_EQ(theil_sen({1, 1, 2}, {0, 5, 1}).value, -1.5) << "of 1 and -4";
  for (const auto& x : {std::vector<double>{1, 1, 1, 1}, {nan, nan, nan, nan}, {1}, {}}) {
    const Slope slope = theil_sen(x, std::vector<double>(x.size(), 2));
    EXPECT_EQ(slope.value, 0);
    EXPECT_EQ(slope.low, 0);
    EXPECT_EQ(slope.high, 0);
  }
}

TEST(Verdict, EqualEpochsAreOneEvaluation) {
  const double nan = std::nan("");
  for (const double epoch : {1.0, nan}) {
    const std::vector<LearningCurvePoint> same(50, LearningCurvePoint{epoch, 1, 2, 2});
    EXPECT_EQ(judge(same, 1).judgement, Judgement::too_early);
  }
}

// Epochs 1..n of a run at a constant, high learning rate; a small ripple stands for noise.
std::vector<LearningCurvePoint> curve(int n, const std::function<double(double)>& train,
                                      const std::function<double(double)>& validation,
                                      double lr = 1) {
  std::vector<LearningCurvePoint> result;
  for (int i = 1; i <= n; ++i) {
    const double epoch = i;
    const double ripple = 0.002 * std::sin(7.0 * epoch);
    result.push_back({epoch, lr, train(epoch) + ripple, validation(epoch) - ripple});
  }
  return result;
}

double falling(double epoch) { return 2.3 * std::exp(-epoch / 6); }
double level(double) { return 0.8; }
double rising(double epoch) { return 0.5 + 0.05 * epoch; }

TEST(Verdict, Underfitting) {
  const Verdict verdict = judge(curve(8, falling, falling), 1);
  EXPECT_EQ(verdict.judgement, Judgement::underfitting);
  EXPECT_THAT(verdict.text, HasSubstr("raise the learning rate"));
}

TEST(Verdict, Fitting) {
  EXPECT_EQ(judge(curve(8, falling, level), 1).judgement, Judgement::fitting);
}

TEST(Verdict, Overfitting) {
  const Verdict verdict = judge(curve(8, falling, rising), 1);
  EXPECT_EQ(verdict.judgement, Judgement::overfitting);
  EXPECT_THAT(verdict.text, HasSubstr("weight decay"));
}

TEST(Verdict, OverfittingIsSeenAtALowRateToo) {
  EXPECT_EQ(judge(curve(8, falling, rising, 0.01), 1).judgement, Judgement::overfitting);
}

// Evaluations of a real run: the 3-layer net on 1,000 samples at a constant rate without decay.
TEST(Verdict, OverfittingOnARecordedRun) {
  const std::vector<std::pair<double, double>> losses = {
      {1.0833, 1.0377}, {0.5088, 0.6941}, {0.4000, 0.8867}, {0.3070, 0.7951}, {0.2468, 0.7336},
      {0.2012, 0.7899}, {0.1700, 0.8943}, {0.1733, 0.8055}, {0.2238, 1.0462}, {0.1771, 1.0427},
      {0.1227, 0.9689}, {0.1222, 1.0762}, {0.1163, 0.9717}, {0.0964, 1.0256}, {0.0402, 1.2912}};
  std::vector<LearningCurvePoint> curve;
  for (const auto& [train, validation] : losses)
    curve.push_back({2.0 * static_cast<double>(curve.size() + 1), 0.05, train, validation});
  EXPECT_EQ(judge(curve, 0.05).judgement, Judgement::overfitting);
}

// The same net on the whole set at 3e-4, and at 0.1.
TEST(Verdict, UnderfittingAndFittingOnRecordedRuns) {
  const auto judged = [](const std::vector<std::pair<double, double>>& losses, double lr) {
    std::vector<LearningCurvePoint> curve;
    for (const auto& [train, validation] : losses)
      curve.push_back({static_cast<double>(curve.size() + 1), lr, train, validation});
    return judge(curve, lr).judgement;
  };
  EXPECT_EQ(judged({{0.9510, 0.6604},
                    {0.5998, 0.5603},
                    {0.5340, 0.5136},
                    {0.4980, 0.4840},
                    {0.4735, 0.4649},
                    {0.4557, 0.4483},
                    {0.4410, 0.4379},
                    {0.4294, 0.4297}},
                   3e-4),
            Judgement::underfitting);
  EXPECT_EQ(judged({{0.5889, 0.4063},
                    {0.3908, 0.3662},
                    {0.3649, 0.3534},
                    {0.3569, 0.3644},
                    {0.3479, 0.3710},
                    {0.3431, 0.3626},
                    {0.3411, 0.3773},
                    {0.3352, 0.3693},
                    {0.3329, 0.3788},
                    {0.3336, 0.3441}},
                   0.1),
            Judgement::fitting);
}

TEST(Verdict, Diverging) {
  EXPECT_EQ(judge(curve(8, rising, rising), 1).judgement, Judgement::diverging);
  auto lost = curve(3, falling, falling);
  lost[2].train_loss = std::nan("");
  const Verdict verdict = judge(lost, 1);
  EXPECT_EQ(verdict.judgement, Judgement::diverging);
  EXPECT_THAT(verdict.text, HasSubstr("at epoch 3, where the learning rate was 1"));
}

// 20 epochs of quickstart: what the high rate says of epochs 4 to 12 is not the run's.
TEST(Verdict, NamesALargeGapOfARecordedRun) {
  const Verdict verdict = judge(recorded::kLargeGap, 0.1, false, std::log(10));
  EXPECT_EQ(verdict.judgement, Judgement::overfitting) << verdict.text;
  EXPECT_THAT(verdict.text, HasSubstr("memorises more than it learns"));
  EXPECT_THAT(verdict.text, HasSubstr("ends at 0.0847, the validation loss at 0.27, a gap of "));
  EXPECT_THAT(verdict.text, Not(HasSubstr("train longer")));
  const auto& whole = recorded::kLargeGap;
  for (std::size_t epochs = 4; epochs < whole.size(); ++epochs)
    EXPECT_THAT(
        judge({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(epochs)}, 0.1).judgement,
        AnyOf(Judgement::fitting, Judgement::overfitting))
        << epochs;
}

TEST(Verdict, ARecordedRunThatHasLearnedAllThereIs) {
  const Verdict verdict = judge(recorded::kMemorisedSmallSet, 0.02, false, std::log(2));
  EXPECT_EQ(verdict.judgement, Judgement::memorised) << verdict.text;
  EXPECT_THAT(verdict.text, HasSubstr("learned all there is"));
  EXPECT_THAT(verdict.text, HasSubstr("nothing to gain from longer training"));
  EXPECT_STREQ(name_of(verdict.judgement), "memorised");
}

TEST(Verdict, RecordedRunsOfEachKind) {
  const auto judged = [](const std::vector<LearningCurvePoint>& whole, double lr_max,
                         std::optional<double> guessing = std::log(10)) {
    return judge(whole, lr_max, false, guessing);
  };
  EXPECT_EQ(judged(recorded::kQuickstart, 0.1).judgement, Judgement::fitting);
  EXPECT_EQ(judged(recorded::kLowRate, 0.001).judgement, Judgement::underfitting);
  EXPECT_EQ(judged(recorded::kRisesByAThird, 0.05).judgement, Judgement::overfitting);
  EXPECT_EQ(judged(recorded::kNoisy, 0.0525, std::nullopt).judgement, Judgement::fitting);
  EXPECT_THAT(judged(recorded::kHighRate, 3).text, HasSubstr("nothing is learned"));
  const auto& whole = recorded::kQuickstart;
  EXPECT_EQ(judged({whole.begin(), whole.begin() + 3}, 0.1).judgement, Judgement::too_early);
}

// A regression whose losses end together, far below where they began, has no gap.
TEST(Verdict, ASmallLossWithoutAGapIsNotMemorised) {
  const auto low = [](double epoch) { return 0.01 + 2 * std::exp(-epoch); };
  EXPECT_EQ(judge(curve(20, low, low), 1).judgement, Judgement::fitting);
}

// The validation loss ends 35 % above its lowest, whatever way it takes.
TEST(Verdict, AnEndAboveTheLowestIsOverfitting) {
  const auto back = [](double epoch) {
    return epoch < 6 ? 0.9 - 0.1 * epoch : 0.4 + 0.01 * (epoch - 6);
  };
  const auto late = [](double epoch) {
    return epoch < 15 ? 1 - 0.04 * epoch : 0.4 + 0.023 * (epoch - 15);
  };
  const auto step = [](double epoch) { return epoch < 6 ? 0.9 - 0.1 * epoch : 0.54; };
  const auto still = [](double) { return 0.2; };
  for (const auto& validation : std::vector<std::function<double(double)>>{back, late, step})
    for (const auto& train : std::vector<std::function<double(double)>>{still, falling})
      for (const double rate : {1.0, 0.01}) {
        const Verdict verdict = judge(curve(20, train, validation, rate), 1);
        EXPECT_EQ(verdict.judgement, Judgement::overfitting) << verdict.text;
      }
}

TEST(Verdict, TheLowestMayBeLongAgo) {
  const auto validation = [](double epoch) {
    return epoch < 50 ? 1 - 0.01 * epoch : std::min(0.5 + 0.0025 * (epoch - 50), 0.675);
  };
  EXPECT_EQ(judge(curve(
                      400, [](double) { return 0.4; }, validation),
                  1)
                .judgement,
            Judgement::overfitting);
}

TEST(Verdict, OneEvaluationThatStandsOutIsNoRise) {
  auto odd = curve(12, falling, falling);
  odd.back().validation_loss *= 1.5;
  EXPECT_THAT(judge(odd, 1).judgement, AnyOf(Judgement::fitting, Judgement::underfitting));
}

// Back to guessing, finite: the losses are level for most of the course.
TEST(Verdict, ACollapseIsDiverging) {
  const auto collapsed = [](double epoch) { return epoch < 5 ? 1.5 - 0.2 * epoch : 2.303; };
  const Verdict verdict = judge(curve(12, collapsed, collapsed), 1, false, std::log(10));
  EXPECT_EQ(verdict.judgement, Judgement::diverging) << verdict.text;
}

TEST(Verdict, NothingLearned) {
  const auto guessing = [](double) { return 2.303; };
  const Verdict verdict = judge(curve(8, guessing, guessing), 1, false, std::log(10));
  EXPECT_EQ(verdict.judgement, Judgement::underfitting);
  EXPECT_THAT(verdict.text, HasSubstr("nothing is learned"));
  EXPECT_EQ(judge(curve(8, guessing, guessing), 1).judgement, Judgement::fitting)
      << "of a loss without a number for guessing";
}

// A cosine begun anew: both losses are above their lowest, for a while.
TEST(Verdict, ACycleBegunAnewIsNotDiverging) {
  const auto cycles = [](double epoch) {
    return 0.3 + 1.5 * std::exp(-epoch / 3) - 0.1 * std::fmod(epoch - 1, 10) / 10;
  };
  EXPECT_NE(judge(curve(22, cycles, cycles), 1).judgement, Judgement::diverging);
}

// It fell at first, at a high rate; it does no more.
TEST(Verdict, WhatHasLevelledOffIsNotUnderfitting) {
  const auto levelled = [](double epoch) { return 0.3 + std::exp(-epoch / 2); };
  const Verdict verdict = judge(curve(20, levelled, levelled), 1);
  EXPECT_EQ(verdict.judgement, Judgement::fitting) << verdict.text;
  EXPECT_THAT(verdict.text, HasSubstr("has levelled off"));
}

TEST(Verdict, ARunPastItsPeakIsJudgedByItsWholeCourse) {
  auto short_run = curve(5, falling, falling);
  const std::vector<double> rates = {0.9, 0.95, 0.6, 0.2, 0};
  for (std::size_t i = 0; i < rates.size(); ++i) short_run[i].lr = rates[i];
  EXPECT_EQ(judge(short_run, 1).judgement, Judgement::fitting);
}

TEST(Verdict, TooEarly) {
  EXPECT_EQ(judge({}, 1).judgement, Judgement::too_early);
  EXPECT_EQ(judge(curve(3, falling, falling), 1).judgement, Judgement::too_early);
  const Verdict low = judge(curve(8, falling, falling, 0.1), 1);
  EXPECT_EQ(low.judgement, Judgement::too_early) << "a low learning rate makes every loss fall";
  EXPECT_THAT(low.text, HasSubstr("0 evaluations at a high learning rate"));
}

// Minus the log of a density: what a constant is added to is judged alike.
TEST(Verdict, OfLossesThatMayBeNegativeGoesByDifferences) {
  for (const double constant : {0.0, 10.0, -1.0, -10.0}) {
    const auto down = [&](double epoch) { return constant + falling(epoch); };
    const auto up = [&](double epoch) { return constant + rising(epoch); };
    const auto still = [&](double epoch) { return constant + 0.0001 * epoch; };
    EXPECT_EQ(judge(curve(8, down, down), 1, true).judgement, Judgement::underfitting) << constant;
    EXPECT_EQ(judge(curve(8, down, up), 1, true).judgement, Judgement::overfitting) << constant;
    EXPECT_EQ(judge(curve(8, up, up), 1, true).judgement, Judgement::diverging) << constant;
    EXPECT_EQ(judge(curve(8, down, still), 1, true).judgement, Judgement::fitting) << constant;
  }
  const auto below_0 = [](double epoch) { return falling(epoch) - 10; };
  EXPECT_EQ(judge(curve(8, below_0, below_0), 1).judgement, Judgement::underfitting)
      << "seen without being told";
}

TEST(Verdict, NoiseAloneIsNoTrend) {
  auto noisy = curve(10, falling, level);
  for (std::size_t i = 0; i < noisy.size(); ++i)
    noisy[i].validation_loss += i % 2 == 0 ? 0.1 : -0.1;
  const Verdict verdict = judge(noisy, 1);
  EXPECT_EQ(verdict.judgement, Judgement::fitting);
  EXPECT_THAT(verdict.text, HasSubstr("no trend beyond its noise"));
}

}  // namespace
}  // namespace onecycle
