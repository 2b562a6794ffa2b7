// Experiments over two ranks: threads, and processes that distributed() joins.

#include "onecycle/distributed.h"

#include "onecycle/error.h"
#include "onecycle/observers.h"
#include "onecycle/weights.h"

#include "core/text/format.h"
#include "dist/group/store.h"
#include "library/support.h"
#include "support/environment.h"
#include "support/program.h"
#include "support/ranks.h"

#include <cstdlib>
#include <filesystem>
#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <ATen/Parallel.h>
#include <c10/util/Flags.h>

C10_DECLARE_int(caffe2_log_level);

namespace onecycle::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kFolder = "ONECYCLE_TEST_FOLDER";

// Without statistics, which are each rank's own.
torch::nn::Sequential plain_network(std::uint64_t seed) {
  at::manual_seed(seed);
  return torch::nn::Sequential(torch::nn::Linear(5, 16), torch::nn::ReLU(),
                               torch::nn::Linear(16, 1));
}

ExperimentOptions options_of(std::int64_t batch_size, std::shared_ptr<Group> group) {
  ExperimentOptions options = kOptions;
  options.batch_size = batch_size;
  options.precision = Precision::fp64;
  options.group = std::move(group);
  return options;
}

Experiment experiment_of(const torch::nn::Sequential& net, std::int64_t batch_size,
                         std::shared_ptr<Group> group) {
  return {net, regression(), training(), held_out(), options_of(batch_size, std::move(group))};
}

RunEnd train(const torch::nn::Sequential& net, std::int64_t batch_size,
             std::shared_ptr<Group> group) {
  return experiment_of(net, batch_size, std::move(group)).fit(Sgd{}, OneCycle{.lr_max = 0.05});
}

void expect_close(const torch::nn::Sequential& a, const torch::nn::Sequential& b) {
  const std::vector<at::Tensor> found = copied(a), expected = copied(b);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    EXPECT_TRUE(found[i].allclose(expected[i], 1e-9, 1e-11)) << i;
}

// This program as two ranks of torchrun, in each of which the test runs.
std::vector<Outcome> run_ranks(const std::string& test, const std::string& folder) {
  const auto store = serve_store("127.0.0.1", 0, std::chrono::seconds(60));
  std::vector<std::unique_ptr<Program>> ranks;
  for (const char* rank : {"0", "1"}) {
    const Environment place({{"RANK", rank},
                             {"LOCAL_RANK", rank},
                             {"WORLD_SIZE", "2"},
                             {"LOCAL_WORLD_SIZE", "2"},
                             {"MASTER_ADDR", "127.0.0.1"},
                             {"MASTER_PORT", std::to_string(store->getPort())},
                             {"TORCHELASTIC_RUN_ID", "test"},
                             {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                             {kFolder, folder}});
    ranks.push_back(std::make_unique<Program>(
        std::vector<std::string>{"--gtest_also_run_disabled_tests", "--gtest_filter=" + test},
        std::filesystem::read_symlink("/proc/self/exe").string()));
  }
  std::vector<Outcome> outcomes;
  for (const auto& rank : ranks) outcomes.push_back(rank->wait());
  return outcomes;
}

std::string weights_of(const std::string& folder, std::int64_t rank) {
  return format("{}/{}.safetensors", folder, rank);
}

TEST(Distributed, TwoRanksAreOneWithTwiceTheBatch) {
  const torch::nn::Sequential whole = plain_network(7);
  const std::vector<torch::nn::Sequential> parts = {plain_network(7), plain_network(8)};
  const RunEnd expected = train(whole, 40, alone());
  const TemporaryFolder folder;
  const std::vector<std::shared_ptr<Source>> samples = {training(), training()};
  const std::vector<std::shared_ptr<Source>> others = {held_out(), held_out()};
  std::vector<RunEnd> ends(2);
  on_ranks(2, [&](const std::shared_ptr<Group>& group) {
    const auto rank = static_cast<std::size_t>(group->rank());
    Experiment experiment(parts[rank], regression(), samples[rank], others[rank],
                          options_of(20, group));
    experiment.keep_checkpoints_in(
        std::make_shared<CheckpointFolder>(folder.path(), 1, std::map<std::string, std::string>{}));
    ends[rank] = experiment.fit(Sgd{}, OneCycle{.lr_max = 0.05});
  });
  EXPECT_EQ(expected.steps, 40);
  for (const RunEnd& end : ends) {
    EXPECT_EQ(end.steps, 40);
    EXPECT_NEAR(end.validation->loss, expected.validation->loss, 1e-6);
  }
  EXPECT_TRUE(equal(copied(parts[0]), copied(parts[1])));
  expect_close(parts[0], whole);
}

TEST(Distributed, IsAloneWithoutALauncher) {
  const auto group = distributed();
  EXPECT_EQ(group->size(), 1);
  EXPECT_EQ(group->summary(), "one process");
}

TEST(Distributed, ProcessesOfALauncherTrainTogether) {
  const TemporaryFolder folder;
  for (const Outcome& rank : run_ranks("Rank.DISABLED_Trains", folder.path()))
    EXPECT_EQ(rank.exit_code, 0) << rank.out << rank.err;
  torch::nn::Sequential whole = plain_network(7);
  train(whole, 40, alone());
  std::vector<torch::nn::Sequential> parts = {plain_network(8), plain_network(8)};
  for (std::int64_t rank = 0; rank < 2; ++rank) {
    auto& net = parts[static_cast<std::size_t>(rank)];
    net->to(at::kDouble);
    EXPECT_EQ(load_weights(*net, weights_of(folder.path(), rank)).loaded, 4U);
  }
  EXPECT_TRUE(equal(copied(parts[0]), copied(parts[1])));
  expect_close(parts[0], whole);
}

TEST(Rank, DISABLED_Trains) {
  const int threads = at::get_num_threads(), log_level = FLAGS_caffe2_log_level;
  const torch::nn::Sequential net = plain_network(7);
  std::int64_t rank = -1;
  {
    const auto group = distributed({.device = DeviceChoice::cpu});
    EXPECT_EQ(group->summary(), "2 ranks over gloo");
    rank = group->rank();
    train(net, 20, group);
  }
  EXPECT_EQ(at::get_num_threads(), threads);
  EXPECT_EQ(FLAGS_caffe2_log_level, log_level);
  save_weights(*net, weights_of(std::getenv(kFolder), rank));
}

TEST(Distributed, ARankThatIsLostIsNamed) {
  const TemporaryFolder folder;
  const auto ranks = run_ranks("Rank.DISABLED_LosesTheOther", folder.path());
  EXPECT_EQ(ranks[0].exit_code, 0) << ranks[0].out << ranks[0].err;
  EXPECT_EQ(ranks[1].exit_code, 7);
}

TEST(Rank, DISABLED_LosesTheOther) {
  std::promise<std::string> lost;
  const auto group = distributed({.device = DeviceChoice::cpu,
                                  .on_lost = [&](const std::string& why) { lost.set_value(why); }});
  Experiment experiment = experiment_of(plain_network(7), 20, group);
  if (!group->is_leader())
    experiment.observe(on_evaluated([](const Evaluated&, StopSignal&) { ::_exit(7); }));
  try {
    experiment.fit(Sgd{}, OneCycle{.lr_max = 0.05});
    FAIL() << "went on without the other rank";
  } catch (const DistError& error) {
    EXPECT_THAT(error.what(), HasSubstr("rank 1"));
    EXPECT_EQ(lost.get_future().get(), error.what());
  }
}

}  // namespace
}  // namespace onecycle::testing
