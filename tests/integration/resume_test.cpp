// Runs that are killed, damaged, refused and gone on with, as a user sees them.

#include "core/rng.h"
#include "integration/long_run.h"
#include "support/comes_true.h"
#include "support/program.h"

#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

namespace onecycle::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

using Resume = LongRun;

TEST_F(Resume, KilledAtAnyMomentItEndsAsIfItHadNotBeen) {
  const auto longer = train({"--set", "train.duration=200ep"});
  ASSERT_EQ(run_program(longer).exit_code, 0);
  const std::string whole = folder_ / "runs/long/1";
  const std::string parts = folder_ / "runs/long/2";
  const auto newest = [&] {
    const auto files = std::filesystem::exists(parts + "/checkpoints") ? checkpoints_in(parts)
                                                                       : std::vector<std::string>();
    return files.empty() ? "" : files.back();
  };
  // Every other one a while after a checkpoint of its own, the others wherever they are by then.
  std::vector<std::string> arguments = longer;
  for (std::uint64_t kill = 0; kill < 12; ++kill) {
    Program program(arguments);
    const std::string before = newest();
    const bool late = kill % 2 == 0;
    EXPECT_TRUE(!late || comes_true([&] { return newest() != before; }));
    const auto words = random_words(7, RandomUse::order, 0, kill);
    std::this_thread::sleep_for(std::chrono::milliseconds(bounded(words.word[0], late ? 60 : 600)));
    ::kill(program.pid(), SIGKILL);
    EXPECT_EQ(program.wait().exit_code, 128 + SIGKILL) << "it was over before";
    arguments = {"train", "--resume", parts};
  }
  const Outcome last = run_program({"train", "--resume", parts});
  ASSERT_EQ(last.exit_code, 0) << last.err;
  EXPECT_EQ(stored_tensors(whole), stored_tensors(parts));
  EXPECT_EQ(rows_of(whole + "/steps.csv", 1), rows_of(parts + "/steps.csv", 1));
  EXPECT_EQ(rows_of(whole + "/metrics.csv", 2), rows_of(parts + "/metrics.csv", 2));
}

TEST_F(Resume, DamagedCheckpointsAreWarnedOfAndPassedOver) {
  const std::string run = interrupted_run();
  const auto files = checkpoints_in(run);
  ASSERT_EQ(files.size(), 2U);
  const std::string whole = read_bytes(files[1]);
  std::string flipped = whole;
  flipped[flipped.size() - 5] ^= 4;
  for (const std::string& damaged : {whole.substr(0, whole.size() / 2), flipped}) {
    write_bytes(files[1], damaged);
    const Outcome outcome =
        run_program({"train", "--resume", run, "--dry-run", "--set", "train.log_every=7"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("warning: " + files[1]),
                                   HasSubstr("the checkpoint before it is used")));
  }
  write_bytes(files[0], "nothing");
  const Outcome hopeless = run_program({"train", "--resume", run});
  EXPECT_EQ(hopeless.exit_code, 1);
  EXPECT_THAT(hopeless.err, HasSubstr("none of its 2 checkpoints is sound"));
}

TEST_F(Resume, OfAnotherModelIsOneClearLine) {
  const std::string run = interrupted_run(SIGTERM);
  const Outcome outcome = run_program({"train", "--resume", run, "--set", "model.hidden=[17]"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("weights of another model"));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
}

TEST_F(Resume, ADeterministicRunStaysSo) {
  const Outcome first = run_program(train({"--set", "train.duration=2ep", "--set",
                                           "train.deterministic=true", "--set", "train.tf32=off"}));
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.out, HasSubstr(", deterministic\n"));
  const std::string run = folder_ / "runs/long/1";
  const Outcome resumed = run_program({"train", "--resume", run, "--dry-run"});
  EXPECT_EQ(resumed.exit_code, 0);
  EXPECT_THAT(resumed.err, Not(HasSubstr("warning"))) << "the machine is the same";
  EXPECT_THAT(resumed.out, HasSubstr(", deterministic\n"));
  const Outcome contradiction =
      run_program({"train", "--resume", run, "--dry-run", "--set", "train.autotune=on"});
  EXPECT_EQ(contradiction.exit_code, 2);
  EXPECT_THAT(contradiction.err, HasSubstr("train.autotune: on contradicts deterministic"));
}

TEST_F(Resume, AnotherLengthAsksHow) {
  ASSERT_EQ(run_program(train({"--set", "train.duration=2ep"})).exit_code, 0);
  const std::string run = folder_ / "runs/long/1";
  const std::vector<std::string> longer = {"train", "--resume", run, "--set", "train.duration=3ep"};
  const Outcome asked = run_program(longer);
  EXPECT_EQ(asked.exit_code, 2);
  EXPECT_THAT(asked.err, AllOf(HasSubstr("train.duration"), HasSubstr("stretch"), HasSubstr("hold"),
                               HasSubstr("new-cycle")));
  EXPECT_EQ(run_program({"train", "--resume", run}).exit_code, 0) << "nothing to do";
  auto held = longer;
  held.insert(held.end(), {"--extend", "hold"});
  const Outcome holding = run_program(held);
  ASSERT_EQ(holding.exit_code, 0);
  EXPECT_THAT(holding.out, HasSubstr("extension  holds a learning rate of "));
  EXPECT_THAT(holding.err, AllOf(HasSubstr("next to nothing is learned"), HasSubstr("new-cycle")))
      << "a cycle ends at a thousandth of its peak or less";
  const auto rows = rows_of(run + "/metrics.csv", 2);
  ASSERT_EQ(rows.size(), 4U);
  const auto lr_of = [](const std::string& row) {
    std::istringstream in(row);
    std::string cell;
    for (int i = 0; i < 3; ++i) std::getline(in, cell, ',');
    return cell;
  };
  EXPECT_EQ(lr_of(rows[2]), lr_of(rows[3]));
  EXPECT_EQ(run_program({"train", "--resume", run, "--extend", "hold"}).exit_code, 2);
  const Outcome batch = run_program({"train", "--resume", run, "--set", "data.batch_size=100"});
  EXPECT_EQ(batch.exit_code, 2);
  EXPECT_THAT(batch.err, HasSubstr("keeps its total batch of 50"));
}

TEST_F(Resume, WhatCannotBeResumedSaysSo) {
  const Outcome none = run_program(train({"--resume"}));
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("holds no run to resume"));
  std::filesystem::create_directory(folder_ / "empty");
  const Outcome folder = run_program({"train", "--resume", folder_ / "empty"});
  EXPECT_EQ(folder.exit_code, 2);
  EXPECT_THAT(folder.err, HasSubstr("holds no recipe.yaml"));
  EXPECT_EQ(run_program(train({"--extend", "hold"})).exit_code, 2);
}

TEST_F(Resume, ARunBelongsToOneProcess) {
  Program first(train({"--json", "--set", "train.duration=100000ep"}));
  EXPECT_TRUE(first.comes_to_say("\"evaluated\""));
  const Outcome second = run_program({"train", "--resume", folder_ / "runs/long/1"});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, HasSubstr("another process is training this run"));
  ::kill(first.pid(), SIGTERM);
  EXPECT_EQ(first.wait().exit_code, 143);
}

TEST_F(Resume, Sigusr1SavesAndGoesOn) {
  Program program(
      train({"--json", "--set", "train.duration=100000ep", "--set",
             "output.checkpoint_every=100000ep", "--set", "train.evaluate_every=100000ep"}));
  EXPECT_TRUE(program.comes_to_say("\"log\""));
  EXPECT_EQ(program.out_so_far().find("\"checkpoint\""), std::string::npos);
  ::kill(program.pid(), SIGUSR1);
  EXPECT_TRUE(program.comes_to_say("\"checkpoint\""));
  EXPECT_EQ(checkpoints_in(folder_ / "runs/long/1").size(), 1U);
  ::kill(program.pid(), SIGINT);
  EXPECT_EQ(program.wait().exit_code, 130);
}

TEST_F(Resume, AReadOnlyFolderIsOneClearLine) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  const std::string run = interrupted_run();
  std::filesystem::permissions(
      run, std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  const Outcome outcome = run_program({"train", "--resume", run});
  std::filesystem::permissions(run, std::filesystem::perms::owner_all);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("onecycle: " + run));
  EXPECT_THAT(outcome.err, HasSubstr(": Permission denied\n"));
}

TEST_F(Resume, NanEndsWithExitCode3OrRecovers) {
  const std::vector<std::string> blown = {"--set", "schedule={name: constant, lr: 1e12}", "--set",
                                          "train.duration=2ep"};
  EXPECT_EQ(run_program(train(blown)).exit_code, 3);
  auto recovering = blown;
  recovering.insert(recovering.end(),
                    {"--set", "stop.on_divergence={lr_scale: 1e-13, retries: 1}", "--json"});
  const Outcome outcome = run_program(train(recovering));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("\"event\":\"fell_back\""));
  EXPECT_THAT(outcome.err, HasSubstr("fell_back: "));
  const std::string run = folder_ / "runs/long/2";
  EXPECT_THAT(read_bytes(run + "/events.csv"), HasSubstr(",fell_back,"));
  EXPECT_THAT(rows_of(run + "/metrics.csv", 2).back(), Not(HasSubstr(",1,")));
}

TEST_F(Resume, SeedsPrintMeanAndSpread) {
  const std::vector<std::string> three = {"--seeds", "3", "--json", "--set", "train.duration=2ep"};
  const Outcome outcome = run_program(train(three));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json last = Json::parse(outcome.last_line());
  EXPECT_EQ(last["event"], "seeds");
  EXPECT_EQ(last["runs"], 3);
  const auto values = last["test_accuracy"]["values"].get<std::vector<double>>();
  ASSERT_EQ(values.size(), 3U);
  EXPECT_NEAR(last["test_accuracy"]["mean"], (values[0] + values[1] + values[2]) / 3, 1e-12);
  auto again = train(three);
  again.push_back("--resume");
  const Outcome counted = run_program(again);
  EXPECT_EQ(Json::parse(counted.last_line())["test_accuracy"], last["test_accuracy"]);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "runs/long/4"))
      << "finished runs are not repeated";
}

}  // namespace
}  // namespace onecycle::testing
