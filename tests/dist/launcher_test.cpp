// The launcher over processes that end, die, hang and speak like ranks.

#include "support/comes_true.h"
#include "support/environment.h"
#include "support/program.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <sstream>
#include <thread>

namespace onecycle::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

const std::string kLaunchedRank = built("tests/dist/launched_rank");

std::vector<std::string> ranks(int count, int restarts, std::vector<std::string> words) {
  words.insert(words.begin(), {std::to_string(count), std::to_string(restarts), "--"});
  return words;
}

Outcome launched(int count, std::vector<std::string> words, int restarts = 0) {
  return Program(ranks(count, restarts, std::move(words)), kLaunchedRank).wait();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

int count_of(const std::string& text, const std::string& part) {
  int count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// The processes that said "pid N", with what the launcher's own have written so far.
std::vector<pid_t> pids_in(const std::string& text) {
  std::vector<pid_t> pids;
  for (auto at = text.find("pid "); at != std::string::npos; at = text.find("pid ", at + 1))
    pids.push_back(std::atoi(&text[at + 4]));
  return pids;
}

bool gone(pid_t pid) {
  const std::string status = read_bytes("/proc/" + std::to_string(pid) + "/status");
  return status.empty() || status.find("State:\tZ") != std::string::npos;
}

TEST(Launcher, GivesEachRankItsPlace) {
  const Outcome outcome = launched(3, {"echo"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("RANK=0 WORLD_SIZE=3 LOCAL_RANK=0 LOCAL_WORLD_SIZE=3 "
                                     "MASTER_ADDR=127.0.0.1 ONECYCLE_ATTEMPT=0 OMP_NUM_THREADS="));
  EXPECT_EQ(lines_of(outcome.out).size(), 1U);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("[rank 1] RANK=1 WORLD_SIZE=3 LOCAL_RANK=1"),
                                 HasSubstr("[rank 2] RANK=2 WORLD_SIZE=3 LOCAL_RANK=2"),
                                 Not(HasSubstr("onecycle: "))));
}

TEST(Launcher, PrintsWholeLines) {
  const Outcome outcome = launched(2, {"exit=0", "partial"});
  EXPECT_THAT(lines_of(outcome.err),
              ::testing::ElementsAre("[rank 1] one", "[rank 1] two", "[rank 1] thr"));
}

TEST(Launcher, AllInOrderIsTheCodeOfAll) {
  EXPECT_EQ(launched(3, {"finish"}).exit_code, 0);
  const Outcome diverged = launched(2, {"diverge"});
  EXPECT_EQ(diverged.exit_code, 3);
  EXPECT_EQ(diverged.err, "");
}

TEST(Launcher, WhatAllSayIsSaidOnce) {
  for (const int code : {1, 2}) {
    const Outcome outcome = launched(3, {"all-exit=" + std::to_string(code)});
    EXPECT_EQ(outcome.exit_code, code);
    EXPECT_EQ(outcome.err, "onecycle: no such file\n");
  }
}

TEST(Launcher, ARankThatFailsAloneEndsAll) {
  const Outcome outcome = launched(3, {"blocked", "say-exit=2", "blocked"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err, "[rank 1] onecycle: no such file\n");
  const Outcome silent = launched(2, {"peer", "exit=7"});
  EXPECT_EQ(silent.exit_code, 7);
  EXPECT_EQ(silent.err, "onecycle: rank 1 ended with exit code 7\n");
}

TEST(Launcher, TakesNoWordsOfAStranger) {
  const Outcome outcome = launched(2, {"blocked", "forge"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("a value under 'onecycle/0/verdict' that none of them wrote"));
}

TEST(Launcher, ARankThatGivesUpSaysItItself) {
  const Outcome outcome = launched(3, {"peer", "give-up", "peer"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err, "[rank 1] onecycle: out of memory\n");
}

// "blocked" ranks never end by themselves.
TEST(Launcher, AKilledRankIsNamedOnceAndEndsAll) {
  for (const char* others : {"blocked", "peer"}) {
    const Outcome outcome = launched(3, {others, "killed", others});
    EXPECT_EQ(outcome.exit_code, 1) << others;
    EXPECT_EQ(outcome.err,
              "onecycle: rank 1 was killed by signal 9 (Killed); it was at step 120\n");
  }
  EXPECT_THAT(launched(2, {"killed", "blocked"}).err, HasSubstr("rank 0 was killed by signal 9"));
}

TEST(Launcher, AStoppedRankIsNamedByTheTimeOut) {
  const Environment short_timeout(Environment::Variables{{"ONECYCLE_RANK_TIMEOUT", "3"}});
  const Outcome outcome = launched(3, {"blocked", "stop", "blocked"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(count_of(outcome.err, "onecycle: "), 1) << outcome.err;
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("onecycle: rank 1 ("),
                                 HasSubstr("has not been heard from for"), HasSubstr("step 120")));
}

TEST(Launcher, StartsAllAgainWhereOneWasLost) {
  const Outcome good = launched(2, {"killed-until=2", "peer-until=2"}, 3);
  EXPECT_EQ(good.exit_code, 0) << good.err;
  EXPECT_EQ(good.out, "attempt 2 resumes runs/long/1\n");
  EXPECT_EQ(count_of(good.err, "was killed by signal 9"), 2);
  EXPECT_THAT(good.err, HasSubstr("onecycle: all 2 ranks start again (restart 2 of 3), from the "
                                  "last checkpoint in runs/long/1\n"));
  const Outcome spent = launched(1, {"killed-until=9"}, 1);
  EXPECT_EQ(spent.exit_code, 1);
  EXPECT_EQ(count_of(spent.err, "start again"), 1);
  EXPECT_EQ(count_of(launched(2, {"say-exit=1"}, 3).err, "start again"), 0) << "its own fault";
  EXPECT_EQ(count_of(launched(2, {"peer", "give-up"}, 3).err, "start again"), 0);
}

TEST(Launcher, SignalsReachEachRankOnce) {
  Program program(ranks(2, 0, {"count-signals"}), kLaunchedRank);
  const auto both_say = [&](const char* text) {
    return comes_true(
        [&] { return count_of(program.out_so_far() + program.err_so_far(), text) == 2; });
  };
  ASSERT_TRUE(both_say("ready\n"));
  ::kill(program.pid(), SIGUSR1);
  ASSERT_TRUE(both_say("saw 1\n"));
  ::kill(program.pid(), SIGTERM);
  const Outcome outcome = program.wait();
  EXPECT_EQ(outcome.exit_code, 143);
  EXPECT_THAT(outcome.out, HasSubstr("rank 0 saw 2 in all\n"));
  EXPECT_THAT(outcome.err,
              AllOf(HasSubstr("[rank 1] rank 1 saw 2 in all\n"), Not(HasSubstr("onecycle: "))));
}

TEST(Launcher, AnInterruptionBeforeTheRunIsSilent) {
  Program program(ranks(2, 3, {"pid"}), kLaunchedRank);
  ASSERT_TRUE(
      comes_true([&] { return pids_in(program.out_so_far() + program.err_so_far()).size() == 2; }));
  ::kill(program.pid(), SIGINT);
  const Outcome outcome = program.wait();
  EXPECT_EQ(outcome.exit_code, 130);
  EXPECT_THAT(outcome.err, Not(HasSubstr("onecycle: ")));
}

TEST(Launcher, RanksDoNotOutliveIt) {
  Program program(ranks(3, 0, {"pid"}), kLaunchedRank);
  std::vector<pid_t> pids;
  ASSERT_TRUE(comes_true([&] {
    pids = pids_in(program.out_so_far() + program.err_so_far());
    return pids.size() == 3;
  }));
  ::kill(program.pid(), SIGKILL);
  program.wait();
  EXPECT_TRUE(comes_true([&] { return std::all_of(pids.begin(), pids.end(), gone); }));
}

TEST(Launcher, StoppedWithCtrlZItStopsItsRanksTooAndNobodyIsMissedAfterwards) {
  ::setenv("ONECYCLE_RANK_TIMEOUT", "3", 1);
  Program program(ranks(2, 0, {"beat"}), kLaunchedRank);
  ::unsetenv("ONECYCLE_RANK_TIMEOUT");
  std::vector<pid_t> pids;
  ASSERT_TRUE(comes_true([&] {
    pids = pids_in(program.out_so_far() + program.err_so_far());
    return pids.size() == 2;
  }));
  std::this_thread::sleep_for(1500ms);
  ::kill(program.pid(), SIGTSTP);
  EXPECT_TRUE(comes_true([&] {
    return std::all_of(pids.begin(), pids.end(), [](pid_t pid) {
      return read_bytes("/proc/" + std::to_string(pid) + "/status").find("State:\tT") !=
             std::string::npos;
    });
  }));
  std::this_thread::sleep_for(7s);
  ::kill(program.pid(), SIGCONT);
  std::this_thread::sleep_for(3s);
  ::kill(program.pid(), SIGTERM);
  const Outcome outcome = program.wait();
  EXPECT_EQ(outcome.exit_code, 143);
  EXPECT_THAT(outcome.err, Not(HasSubstr("onecycle: ")));
}

// Ranks as srun starts them: rank 0 serves the store.
class Srun {
 public:
  explicit Srun(const std::vector<std::string>& words) {
    set("SLURM_STEP_ID", "0");
    set("SLURM_JOB_ID", std::to_string(::getpid()));
    set("SLURM_NTASKS", std::to_string(words.size()));
    set("SLURM_STEP_TASKS_PER_NODE", std::to_string(words.size()));
    set("SLURM_STEP_NODELIST", "localhost");
    set("ONECYCLE_RANK_TIMEOUT", "3");
    for (std::size_t rank = 0; rank < words.size(); ++rank) {
      set("SLURM_PROCID", std::to_string(rank));
      set("SLURM_LOCALID", std::to_string(rank));
      ranks_.push_back(std::make_unique<Program>(words, kLaunchedRank));
    }
    for (const char* name : names_) ::unsetenv(name);
  }
  Program& rank(std::size_t number) { return *ranks_[number]; }

 private:
  void set(const char* name, const std::string& value) {
    ::setenv(name, value.c_str(), 1);
    names_.push_back(name);
  }

  std::vector<const char*> names_;
  std::vector<std::unique_ptr<Program>> ranks_;
};

TEST(RanksOfSrun, EndTogetherInOrder) {
  Srun srun({"finish", "finish", "finish"});
  for (std::size_t rank = 0; rank < 3; ++rank) {
    const Outcome outcome = srun.rank(rank).wait();
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
  }
}

TEST(RanksOfSrun, TheServerOfTheStoreIsNamedWhereItDiesOrStops) {
  for (const char* end : {"killed", "stop"}) {
    Srun srun({end, "blocked", "blocked"});
    const std::string said = srun.rank(1).wait().err + srun.rank(2).wait().err;
    ::kill(srun.rank(0).pid(), SIGKILL);
    srun.rank(0).wait();
    EXPECT_EQ(count_of(said, "onecycle: "), 1) << said;
    EXPECT_THAT(said, AllOf(HasSubstr("onecycle: rank 0 ("), HasSubstr("is gone or out of reach"),
                            HasSubstr("it was at step 120")));
  }
}

}  // namespace
}  // namespace onecycle::testing
