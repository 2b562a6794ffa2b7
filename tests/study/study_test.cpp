// The study's states, its owners, and halving on an objective without any training.

#include "onecycle/error.h"

#include "core/files/file_error.h"
#include "search_support.h"
#include "study/search/remote_queue.h"
#include "study/search/search_report.h"
#include "study/search/study_queue.h"
#include "support/comes_true.h"
#include "support/file_size_limit.h"
#include "support/temporary_folder.h"

#include <cmath>
#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <sys/wait.h>
#include <thread>

namespace onecycle::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kSix = "trials: 6\nspace: {schedule.lr_max: {log_uniform: [0.01, 1]}}";

TrialResult scored(double accuracy) {
  TrialResult result;
  result.validation = Score{1 - accuracy, {accuracy}, 100};
  result.metrics = {{"accuracy", "acc", true, true}};
  return result;
}

TrialResult ended(TrialState state, const std::string& reason) {
  TrialResult result;
  result.state = state;
  result.reason = reason;
  return result;
}

class StudyTest : public ::testing::Test {
 protected:
  std::string make(const std::string& search) {
    Study::create(folder_.path(), "name: base\n", search_of(search));
    return folder_.path();
  }
  TrialRow row(Study& study, std::int64_t number) {
    return study.rows()[static_cast<std::size_t>(number - 1)];
  }
  bool is_held(std::int64_t worker) { return WorkerLock::is_held(folder_.path(), worker); }

  TemporaryFolder folder_;
};

TEST_F(StudyTest, ATrialGoesThroughItsStates) {
  Study study(make(kSix));
  EXPECT_EQ(study.recipe(), "name: base\n");
  const auto trial = study.take(1);
  ASSERT_TRUE(trial);
  EXPECT_EQ(trial->number, 1);
  EXPECT_EQ(row(study, 1).state, TrialState::running);
  study.finish(1, *trial, scored(0.75));
  EXPECT_EQ(row(study, 1).state, TrialState::done);
  EXPECT_EQ(row(study, 1).metric, 0.75);
  EXPECT_EQ(row(study, 1).finished, 1);
  EXPECT_THROW(study.finish(1, *trial, scored(0.9)), Error) << "once";

  const auto second = study.take(1);
  study.finish(1, *second, ended(TrialState::interrupted, "Ctrl-C"));
  EXPECT_EQ(row(study, 2).state, TrialState::interrupted);
  EXPECT_EQ(study.take(7)->number, 2) << "handed out again";
  EXPECT_THROW(study.finish(1, *second, scored(0.5)), Error) << "it is another worker's now";
  study.finish(7, *second, ended(TrialState::diverged, "too high"));
  EXPECT_EQ(row(study, 2).reason, "too high");
  EXPECT_FALSE(row(study, 2).metric);
  EXPECT_FALSE(study.over());
  while (const auto next = study.take(7)) study.finish(7, *next, scored(0.1));
  EXPECT_TRUE(study.over());
  EXPECT_EQ(ranked(study.rows(), study.goal()).front().trial.number, 1);
}

TEST_F(StudyTest, TheTrialOfADeadOwnerIsHandedOutAgain) {
  const std::string folder = make(kSix);
  (void)WorkerLock::unused(folder);
  const pid_t child = ::fork();
  if (child == 0) {
    const WorkerLock lock(folder, 1);
    Study own(folder);
    (void)own.take(1);
    for (;;) ::pause();
  }
  Study study(folder);
  EXPECT_TRUE(comes_true([&] { return row(study, 1).state == TrialState::running; }));
  const auto is_alive = [this](std::int64_t worker) { return is_held(worker); };
  study.hand_back(is_alive);
  EXPECT_EQ(row(study, 1).state, TrialState::running) << "its owner lives";
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  study.hand_back(is_alive);
  EXPECT_EQ(row(study, 1).state, TrialState::waiting);
  EXPECT_EQ(study.take(2)->number, 1);
}

TEST_F(StudyTest, ATrialThatTakesItsWorkersDownFailsAtLast) {
  Study study(make(kSix));
  (void)study.take(1);
  study.lose(1, "Killed");
  EXPECT_EQ(study.take(2)->number, 1);
  study.lose(2, "Killed");
  EXPECT_EQ(row(study, 1).state, TrialState::failed);
  EXPECT_THAT(row(study, 1).reason, HasSubstr("Killed"));
  EXPECT_EQ(study.take(3)->number, 2);
}

TEST_F(StudyTest, AFullDiskIsNoFaultOfTheStudy) {
  Study study(make(kSix));
  const auto trial = study.take(1);
  {
    const FileSizeLimit full(4096);
    EXPECT_THROW(study.finish(1, *trial, scored(0.5)), FileError);
    EXPECT_THROW((void)study.take(2), FileError);
  }
  study.finish(1, *trial, ended(TrialState::waiting, ""));  // given back
  EXPECT_EQ(row(study, 1).state, TrialState::waiting);
  EXPECT_FALSE(row(study, 1).ended());
  EXPECT_EQ(study.take(2)->number, 1);
}

TEST_F(StudyTest, ALossThatIsNoNumberReachesTheStudyAndRanksLast) {
  Study study(make(kSix));
  RemoteQueue queue(
      [&](const std::string& question) { return answer(study, 1, question, false).text; },
      [] { return false; });
  for (const double loss : {std::numeric_limits<double>::quiet_NaN(), 0.5}) {
    TrialResult result = scored(0.75);
    result.validation->loss = loss;
    const auto trial = queue.take();
    queue.finish(*trial, result);
  }
  EXPECT_FALSE(row(study, 1).validation_loss);
  EXPECT_EQ(ranked(study.rows(), study.goal()).front().trial.number, 2);
}

TrialResult with_error(const std::string& name, double rmse) {
  TrialResult result;
  result.validation = Score{-1, {rmse}, 100};
  result.test = Score{-1, {2 * rmse}, 100};
  result.metrics = {{name, name, /*larger_is_better=*/false, /*is_fraction=*/false}};
  return result;
}

TEST_F(StudyTest, TheLowestErrorIsTheBest) {
  const std::string folder = make(kSix);
  Study study(folder);
  RemoteQueue queue(
      [&](const std::string& question) { return answer(study, 1, question, false).text; },
      [] { return false; });
  for (const double rmse : {540.25, 12.5, 0.03125, 80.0})
    queue.finish(*queue.take(), with_error("rmse", rmse));
  Study again(folder);  // another process knows the metric from the study alone
  const auto rows = again.rows();
  EXPECT_EQ(again.goal(), Goal::lower_metric);
  const auto order = ranked(rows, again.goal());
  EXPECT_EQ(order.front().trial.number, 3);
  EXPECT_EQ(order.back().trial.number, 1);
  EXPECT_EQ(outcome_text(order.front(), again), "validation rmse 0.03125");
  EXPECT_THAT(table_of(again, rows).front(), HasSubstr("test 0.0625"));
  EXPECT_THAT(csv_of(again, rows),
              HasSubstr(",metric,validation_loss,validation_rmse,test_loss,test_rmse,seconds"));
  EXPECT_THAT(trial_json(again, rows[0]),
              HasSubstr(R"("validation_rmse":540.25,"test_loss":-1.0,"test_rmse":1080.5)"));
}

TEST_F(StudyTest, HalvingTakesTheLowestErrorsFurther) {
  Study study(
      make("method: halving\ntrials: 3\nreduction: 3\nmin_share: 0.3\n"
           "space: {schedule.lr_max: {log_uniform: [0.01, 1]}}"));
  for (const double rmse : {3.0, 1.0, 2.0})
    study.finish(1, *study.take(1), with_error("rmse", rmse));
  const auto next = study.take(1);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->setting, 1);
}

TEST_F(StudyTest, WhatIsJudgedByAnotherMetricIsNotCompared) {
  Study study(make(kSix));
  study.finish(1, *study.take(1), with_error("rmse", 3));
  study.finish(1, *study.take(1), with_error("mae", 2));
  EXPECT_EQ(row(study, 2).state, TrialState::failed);
  EXPECT_THAT(row(study, 2).reason, HasSubstr("mae"));
  EXPECT_EQ(ranked(study.rows(), study.goal()).size(), 1U);
}

TEST_F(StudyTest, AStudyOfAnOlderProgramIsAboutAccuracy) {
  Study study(make(kSix));
  study.finish(1, *study.take(1), scored(0.75));
  Database(folder_ / "study.db").execute("DELETE FROM settings WHERE key = 'metric'");
  Study older(folder_.path());
  EXPECT_EQ(outcome_text(row(older, 1), older), "validation accuracy 75.00 %");
  EXPECT_THAT(trial_json(older, row(older, 1)), HasSubstr(R"("validation_accuracy":0.75)"));
}

TEST_F(StudyTest, WorkersAtTheSameTimeGetEachTrialOnce) {
  const std::string folder = make("trials: 60\nspace: {schedule.lr_max: {uniform: [0, 1]}}");
  std::mutex mutex;
  std::multiset<std::int64_t> taken;
  std::vector<std::thread> workers;
  workers.reserve(3);
  for (std::int64_t worker = 1; worker <= 3; ++worker)
    workers.emplace_back([&, worker] {
      Study study(folder);
      StudyQueue queue(study, worker, [] { return false; });
      while (const auto trial = queue.take()) {
        queue.finish(*trial, scored(0.5));
        const std::lock_guard<std::mutex> guard(mutex);
        taken.insert(trial->number);
      }
    });
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(taken.size(), 60U);
  EXPECT_EQ(std::set<std::int64_t>(taken.begin(), taken.end()).size(), 60U);
}

TEST_F(StudyTest, HalvingTrainsTheBestThirdAgainInLongerCycles) {
  Study study(
      make("method: halving\ntrials: 18\nspace: "
           "{schedule.lr_max: {log_uniform: [0.001, 10]}}"));
  const auto objective = [&](const Trial& trial) {
    const double lr = std::stod(study.settings()[static_cast<std::size_t>(trial.setting)][0].text);
    return 1 / (1 + std::abs(std::log(lr / 0.1)));
  };
  std::map<std::int64_t, std::map<double, std::int64_t>> by_rung;  // accuracy -> setting
  while (const auto trial = study.take(1)) {
    const bool first_of_rung = by_rung.count(trial->rung) == 0;
    if (first_of_rung && trial->rung > 0) {
      for (const TrialRow& other : study.rows())
        EXPECT_TRUE(other.ended() || other.trial.rung >= trial->rung);
    }
    const double accuracy = objective(*trial);
    const bool blows_up = accuracy < 0.2;
    if (!blows_up) by_rung[trial->rung][accuracy] = trial->setting;
    study.finish(1, *trial, blows_up ? ended(TrialState::diverged, "high") : scored(accuracy));
  }
  ASSERT_EQ(by_rung.size(), 3U);
  for (std::int64_t rung = 1; rung < 3; ++rung) {
    std::set<std::int64_t> promoted;
    for (const auto& [accuracy, setting] : by_rung[rung]) promoted.insert(setting);
    std::set<std::int64_t> best;
    for (auto one = by_rung[rung - 1].rbegin(); one != by_rung[rung - 1].rend(); ++one)
      if (best.size() < (rung == 1 ? 6U : 2U)) best.insert(one->second);
    EXPECT_EQ(promoted, best) << "rung " << rung;
  }
  EXPECT_EQ(study.rows().size(), 18U + 6 + 2);
  const auto order = ranked(study.rows(), study.goal());
  EXPECT_EQ(order.size(), 2U) << "compared at the whole cycle alone";
  EXPECT_EQ(order.front().trial.setting, by_rung[0].rbegin()->second);
}

TEST_F(StudyTest, AnotherVersionOrNothingIsOneLine) {
  EXPECT_THROW(Study(folder_.path()), UsageError);
  make(kSix);
  Database(folder_ / "study.db").execute("PRAGMA user_version = 9");
  try {
    const Study study(folder_.path());
    FAIL() << "opened";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("version 9"));
  }
}

}  // namespace
}  // namespace onecycle::testing
