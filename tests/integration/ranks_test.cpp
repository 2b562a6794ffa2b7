// Several processes that train one run, as users start them: alone, by mpirun, by torchrun; killed,
// stopped, restarted.

#include "integration/rank_programs.h"
#include "support/comes_true.h"
#include "support/environment.h"
#include "support/json_lines.h"
#include "support/places.h"
#include "support/program.h"

#include <csignal>
#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <regex>
#include <set>

namespace onecycle::testing {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Lt;
using ::testing::Not;

// A run that lasts until it is ended.
constexpr const char* kEndless = "train.duration=100000ep";

constexpr const char* kMpirun = "/usr/bin/mpirun";

TEST_F(Ranks, AreTheSameRunWhateverTheirNumber) {
  const Json one = end_of(run_program(command("train", {"--set", "data.batch_size=32"})));
  const Outcome two = run_program(on_ranks("2", "16"));
  expect_same_run(one, end_of(two));
  EXPECT_THAT(two.err, AllOf(HasSubstr("total batch 32 = 16 per rank × 2 ranks"),
                             HasSubstr("2 ranks over gloo"), Not(HasSubstr("[rank 1]"))));
  expect_same_run(one, end_of(run_program(on_ranks("4", "8"))));
  expect_same_run(one, end_of(run_program(on_ranks("1", "32"))));
}

TEST_F(Ranks, AKilledOneIsNamedAndEndsAll) {
  for (const int victim : {0, 1, 2}) {
    SCOPED_TRACE(victim);
    Program program(on_ranks("3", "8", {"-v", "--set", kEndless}));
    const auto ranks = ranks_of(program, 3);
    ::kill(ranks[static_cast<std::size_t>(victim)], SIGKILL);
    const Outcome outcome = program.wait();
    EXPECT_EQ(outcome.exit_code, 1);
    const std::string line = "rank " + std::to_string(victim) + " was killed by signal 9";
    EXPECT_EQ(lines_with(outcome.err, line), 1) << outcome.err;
    EXPECT_EQ(lines_with(outcome.err, "rror"), 0) << outcome.err;
    for (const pid_t pid : ranks) EXPECT_NE(::kill(pid, 0), 0) << "still there";
  }
}

TEST_F(Ranks, AreStartedAgainFromTheLastCheckpoint) {
  const std::vector<std::string> slow = {"--set", "train.duration=60ep"};
  const Json whole = end_of(run_program(on_ranks("2", "16", slow)));
  auto arguments = on_ranks("2", "16", {"-v", "--max-restarts", "3"});
  arguments.insert(arguments.end(), slow.begin(), slow.end());
  Program program(arguments);
  ::kill(ranks_of(program, 2)[1], SIGKILL);
  const Outcome outcome = program.wait();
  EXPECT_THAT(outcome.err, HasSubstr("restart 1 of 3"));
  const Json end = end_of(outcome);
  EXPECT_EQ(end.at("steps"), whole.at("steps"));
  EXPECT_EQ(end.at("test_loss"), whole.at("test_loss"));
}

TEST_F(Ranks, AStoppedOneIsNamed) {
  ::setenv("ONECYCLE_RANK_TIMEOUT", "4", 1);
  Program program(on_ranks("2", "16", {"-v", "--set", kEndless}));
  ::unsetenv("ONECYCLE_RANK_TIMEOUT");
  const auto ranks = ranks_of(program, 2);
  ::kill(ranks[1], SIGSTOP);
  const Outcome outcome = program.wait();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(lines_with(outcome.err, "has not been heard from for"), 1) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("rank 1 ("));
}

TEST_F(Ranks, ASignalSavesOnceAndEndsAll) {
  Program program(on_ranks("2", "16", {"-v", "--set", kEndless}));
  ranks_of(program, 2);
  ::kill(program.pid(), SIGTERM);
  const Outcome outcome = program.wait();
  EXPECT_EQ(outcome.exit_code, 143) << outcome.err;
  EXPECT_EQ(lines_with(outcome.err, "is saved; go on with"), 1) << outcome.err;
}

// As a service manager ends a service; the launcher passes its own on.
TEST_F(Ranks, ASignalToEveryProcessIsOneRequest) {
  Program program(on_ranks("2", "16", {"-v", "--set", kEndless}));
  for (const pid_t rank : ranks_of(program, 2)) ::kill(rank, SIGTERM);
  ::kill(program.pid(), SIGTERM);
  const Outcome outcome = program.wait();
  EXPECT_EQ(outcome.exit_code, 143) << outcome.err;
  EXPECT_EQ(lines_with(outcome.err, "is saved; go on with"), 1) << outcome.err;
}

TEST_F(Ranks, AHangUpSavesAndEndsAll) {
  Program program(on_ranks("2", "16", {"-v", "--set", kEndless}));
  ranks_of(program, 2);
  ::kill(program.pid(), SIGHUP);
  const Outcome outcome = program.wait();
  EXPECT_EQ(outcome.exit_code, 129) << outcome.err;
  EXPECT_EQ(lines_with(outcome.err, "is saved; go on with"), 1) << outcome.err;
}

TEST_F(Ranks, GoOnAsAnotherNumberOfThem) {
  Program program(on_ranks("2", "16", {"-v", "--set", kEndless}));
  ranks_of(program, 2);
  ::kill(program.pid(), SIGINT);
  EXPECT_EQ(program.wait().exit_code, 130);
  const std::string run = folder_ / "runs/shared/1";
  const Outcome refused =
      run_program({"train", "--resume", run, "--set", "train.duration=6ep", "--extend", "hold"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("keeps its total batch of 32, not 16"),
                                 HasSubstr("data.total_batch_size=32")));
  const Outcome kept =
      run_program({"train", "--resume", run, "--dry-run", "--set", "data.total_batch_size=32"});
  EXPECT_EQ(kept.exit_code, 0) << kept.err;
  EXPECT_THAT(kept.out + kept.err, HasSubstr("total batch 32 = 16 × 2 accumulated"));
}

TEST_F(Ranks, ABadRecipeIsSaidOnce) {
  const Outcome outcome = run_program(on_ranks("2", "16", {"--set", "model.name=nothing"}));
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(lines_with(outcome.err, "nothing"), 1) << outcome.err;
}

TEST_F(Ranks, ARangeTestHasOneAnswer) {
  const std::vector<std::string> quick = {"--seeds", "1", "--max", "0.5", "--steps", "60"};
  auto alone = command("range-test", {"--set", "data.batch_size=32"});
  auto shared = command("range-test", {"--ranks", "2"});
  alone.insert(alone.end(), quick.begin(), quick.end());
  shared.insert(shared.end(), quick.begin(), quick.end());
  const Outcome one = run_program(alone);
  const Outcome two = run_program(shared);
  EXPECT_EQ(one.exit_code, two.exit_code) << two.err;
  EXPECT_EQ(Json::parse(one.last_line()).at("lr_max"), Json::parse(two.last_line()).at("lr_max"));
}

TEST_F(Ranks, FitBatchHasOneAnswer) {
  const Outcome outcome = run_program(command("fit-batch", {"--ranks", "2", "--max", "64"}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(json_lines(outcome.out).back().at("largest"), 64);
}

// The rank with least memory decides for all. What a process takes before its first step
// differs from machine to machine: it is found first.
TEST_F(Ranks, FitBatchHeedsTheSmallestRank) {
  if (!std::filesystem::exists(kMpirun)) GTEST_SKIP() << "needs mpirun (openmpi-bin)";
  const auto fit = [&](const std::string& largest, int mebibytes) {
    return std::vector<std::string>{"fit-batch",
                                    recipe_,
                                    "--json",
                                    "--set",
                                    "model={name: resnet8}",
                                    "--set",
                                    "data.format.train=5000",
                                    "--max",
                                    largest,
                                    "--memory",
                                    std::to_string(mebibytes) + "MiB"};
  };
  int least = 500;
  while (run_program(fit("8", least)).exit_code != 0) ASSERT_LE(least += 100, 3000);

  std::vector<std::string> arguments{"--allow-run-as-root", "--oversubscribe"};
  for (const int mebibytes : {least + 3000, least + 100}) {
    if (arguments.size() > 2) arguments.emplace_back(":");
    arguments.insert(arguments.end(), {"-n", "1", program_path()});
    const auto words = fit("1024", mebibytes);
    arguments.insert(arguments.end(), words.begin(), words.end());
  }
  const Outcome outcome = Program(arguments, kMpirun).wait();
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json fitted = json_lines(outcome.out).back();
  EXPECT_LT(fitted.at("limit_bytes"), (least + 100) * (std::int64_t{1} << 20)) << outcome.err;
  EXPECT_THAT(fitted.at("largest"), AllOf(Ge(8), Lt(1024))) << outcome.err;
}

TEST_F(Ranks, TuneTogether) {
  const Json tuned =
      end_of(run_program(command("tune", {"--ranks", "2", "--seeds", "1", "--no-train"})));
  EXPECT_EQ(tuned.at("event"), "tuned");
  EXPECT_TRUE(std::filesystem::exists(tuned.at("recipe").get<std::string>()));
}

TEST_F(Ranks, EvaluateTogether) {
  ASSERT_EQ(run_program(command("train")).exit_code, 0);
  const std::string run = folder_ / "runs/shared/1";
  const Outcome one = run_program({"eval", run, "--json", "--no-report"});
  const Outcome two = run_program({"eval", run, "--json", "--no-report", "--ranks", "2"});
  const Json a = end_of(one);
  const Json b = end_of(two);
  EXPECT_EQ(b.at("samples"), 130);
  EXPECT_EQ(a.at("accuracy"), b.at("accuracy"));
  EXPECT_EQ(a.at("confusion"), b.at("confusion"));
  EXPECT_NEAR(a.at("loss").get<double>(), b.at("loss").get<double>(), 1e-6);
}

TEST_F(Ranks, WorkAtOneStudyAndALostOnesTrialIsHandedOutAgain) {
  const std::string space = folder_.write_text("space.yaml", R"(search:
  method: random
  trials: 40
  metric: validation_loss
  space: {schedule.lr_max: {log_uniform: [0.001, 1]}}
)");
  ::setenv("ONECYCLE_RANK_TIMEOUT", "4", 1);
  Program program(command("search", {"--space", space, "--ranks", "3", "-v"}));
  ::unsetenv("ONECYCLE_RANK_TIMEOUT");
  std::vector<pid_t> ranks;
  EXPECT_TRUE(program.comes_to_say("\"trial\""));
  const std::string said = program.err_so_far();
  std::smatch match;
  ASSERT_TRUE(std::regex_search(said, match, std::regex("rank 2 is process (\\d+)"))) << said;
  ::kill(std::stoi(match[1]), SIGKILL);
  const Outcome outcome = program.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("rank 2 was killed by signal 9"));
  std::multiset<std::int64_t> numbers;
  for (const Json& line : json_lines(outcome.out))
    if (line.at("event") == "trial") numbers.insert(line.at("number").get<std::int64_t>());
  EXPECT_EQ(numbers.size(), 40U);
  EXPECT_EQ(std::set<std::int64_t>(numbers.begin(), numbers.end()).size(), 40U);
}

TEST_F(Ranks, AreStartedBySlurm) {
  const Json one = end_of(run_program(command("train", {"--set", "data.batch_size=32"})));
  std::vector<std::unique_ptr<Program>> tasks;
  for (const char* task : {"0", "1"}) {
    const Environment slurm({{"SLURM_PROCID", task},
                             {"SLURM_LOCALID", task},
                             {"SLURM_NTASKS", "2"},
                             {"SLURM_STEP_ID", "0"},
                             {"SLURM_JOB_ID", std::to_string(::getpid())},
                             {"SLURM_STEP_NODELIST", "localhost"}});
    tasks.push_back(std::make_unique<Program>(command("train")));
  }
  const Outcome other = tasks[1]->wait();
  EXPECT_EQ(other.exit_code, 0) << other.err;
  EXPECT_EQ(other.out + other.err, "") << "rank 0 alone speaks";
  expect_same_run(one, end_of(tasks[0]->wait()));
}

// Two network namespaces, joined by a cable.
class TwoHosts {
 public:
  TwoHosts() {
    made_ = run("ip netns add onecycle-a") && run("ip netns add onecycle-b") &&
            run("ip link add onecycle-a type veth peer name onecycle-b") &&
            run("ip link set onecycle-a netns onecycle-a") &&
            run("ip link set onecycle-b netns onecycle-b") && bring_up("a", 1) && bring_up("b", 2);
  }
  ~TwoHosts() {
    run("ip netns del onecycle-a");
    run("ip netns del onecycle-b");
    run("ip link del onecycle-a");
  }
  TwoHosts(const TwoHosts&) = delete;
  TwoHosts& operator=(const TwoHosts&) = delete;

  bool made() const { return made_; }

 private:
  static bool run(const std::string& command) {
    return std::system(("{ " + command + "; } > /dev/null 2>&1").c_str()) == 0;
  }
  static bool bring_up(const std::string& name, int number) {
    const std::string within = "ip -n onecycle-" + name + " ";
    return run(within + "addr add 10.77.0." + std::to_string(number) + "/24 dev onecycle-" +
               name) &&
           run(within + "link set lo up") && run(within + "link set onecycle-" + name + " up");
  }

  bool made_ = false;
};

TEST_F(Ranks, StandOnTwoHosts) {
  const TwoHosts hosts;
  if (!hosts.made()) GTEST_SKIP() << "needs the right to make network namespaces (root, iproute2)";
  const Json one = end_of(run_program(command("train", {"--set", "data.batch_size=32"})));
  std::vector<std::unique_ptr<Program>> ranks;
  for (const std::string host : {"a", "b"}) {
    const Environment place({{"RANK", host == "a" ? "0" : "1"},
                             {"WORLD_SIZE", "2"},
                             {"LOCAL_RANK", "0"},
                             {"LOCAL_WORLD_SIZE", "1"},
                             {"MASTER_ADDR", "10.77.0.1"},
                             {"MASTER_PORT", "29717"}});
    auto arguments = command("train");
    arguments.insert(arguments.begin(), {"netns", "exec", "onecycle-" + host, program_path()});
    ranks.push_back(std::make_unique<Program>(arguments, "/sbin/ip"));
  }
  expect_same_run(one, end_of(ranks[0]->wait()));
  EXPECT_EQ(ranks[1]->wait().exit_code, 0);
}

TEST_F(Ranks, AreStartedByMpirun) {
  if (!std::filesystem::exists(kMpirun)) GTEST_SKIP() << "needs mpirun (openmpi-bin)";
  const Json one = end_of(run_program(command("train", {"--set", "data.batch_size=32"})));
  auto arguments = command("train");
  arguments.insert(arguments.begin(),
                   {"--allow-run-as-root", "--oversubscribe", "-np", "2", program_path()});
  expect_same_run(one, end_of(Program(arguments, kMpirun).wait()));
}

TEST_F(Ranks, AreStartedByTorchrun) {
  const char* python = std::getenv("ONECYCLE_PYTHON");
  if (python == nullptr || *python == '\0')
    GTEST_SKIP() << "needs a Python with torch in ONECYCLE_PYTHON";
  const Json one = end_of(run_program(command("train", {"--set", "data.batch_size=32"})));
  auto arguments = command("train");
  arguments.insert(arguments.begin(), {"-m", "torch.distributed.run", "--nproc-per-node", "2",
                                       "--no-python", "--standalone", program_path()});
  expect_same_run(one, end_of(Program(arguments, python).wait()));
}

TEST_F(Ranks, AreToldWhereTwoLaunchersWouldStartThem) {
  const Environment torchrun(
      {{"RANK", "1"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "127.0.0.1"}, {"MASTER_PORT", "29777"}});
  const Outcome outcome = run_program(on_ranks("2", "16"));
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("leave --ranks out"));
}

}  // namespace
}  // namespace onecycle::testing
