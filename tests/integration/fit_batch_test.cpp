// `onecycle fit-batch` as a user runs it: found sizes are held against training under the limit.

#include "support/json_lines.h"
#include "support/program.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

namespace onecycle::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::json;

// Little work a sample, and much to remember of it.
constexpr const char* kWide = R"(name: wide
seed: 3
data:
  format: {name: synthetic, train: 6000, test: 1100, height: 4, width: 4}
  batch_size: 64
  validation: 600
model: {name: mlp, hidden: [8192]}
schedule: {name: one_cycle, lr_max: 0.01}
train: {duration: 1ep, threads: 1, precision: fp32, device: cpu}
)";

constexpr const char* kConvolutions = R"(name: convolutions
seed: 3
data:
  format: {name: synthetic, train: 1800, test: 530, channels: 3, height: 16, width: 16}
  batch_size: 16
  validation: 100
model: {name: resnet8}
schedule: {name: one_cycle, lr_max: 0.01}
train: {duration: 1ep, threads: 1, precision: fp32, device: cpu}
)";

// As run_program, with RLIMIT_DATA of the child at `bytes`.
Outcome run_within(std::int64_t bytes, const std::vector<std::string>& arguments) {
  rlimit before{};
  ::getrlimit(RLIMIT_DATA, &before);
  const rlimit small{static_cast<rlim_t>(bytes), before.rlim_max};
  ::setrlimit(RLIMIT_DATA, &small);
  Program program(arguments);
  ::setrlimit(RLIMIT_DATA, &before);
  return program.wait();
}

class FitBatch : public ::testing::Test {
 protected:
  // Large blocks go back to the system when they are freed: what a heap keeps depends on the order
  // of sizes, and sizes that fit would not be those below an edge.
  static void SetUpTestSuite() { ::setenv("MALLOC_MMAP_THRESHOLD_", "262144", 1); }
  static void TearDownTestSuite() { ::unsetenv("MALLOC_MMAP_THRESHOLD_"); }

  std::vector<std::string> with(std::vector<std::string> command,
                                const std::vector<std::string>& more) const {
    command.insert(command.end(), {"--set", "output.dir=" + (folder_ / "runs")});
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }

  bool trains_within(std::int64_t bytes, const std::string& recipe, std::int64_t batch) const {
    return run_within(bytes, with({"train", recipe, "--quiet"},
                                  {"--set", "data.batch_size=" + std::to_string(batch)}))
               .exit_code == 0;
  }

  // Bytes that RLIMIT_DATA counts in a run that needs next to none itself: LibTorch's own.
  std::int64_t bytes_of_a_tiny_run() const {
    Program program(with({"train", wide_, "--json"},
                         {"--set", "model.hidden=[1]", "--set", "train.duration=1000000it"}));
    EXPECT_TRUE(program.comes_to_say("\"log\""));
    const std::string status = read_bytes("/proc/" + std::to_string(program.pid()) + "/status");
    ::kill(program.pid(), SIGKILL);
    program.wait();
    return 1024 * std::stoll(status.substr(status.find("VmData:") + 7));
  }

  // What fits is taken to a run of a whole epoch, with its evaluations and checkpoints, and what
  // lies just above to one that fails.
  void check_edge(const char* text, std::int64_t mebibytes) {
    const std::string memory = std::to_string(bytes_of_a_tiny_run() + (mebibytes << 20));
    const std::string recipe = folder_.write_text("edge.yaml", text);
    const Outcome outcome = run_program(
        with({"fit-batch", recipe, "--json"}, {"--memory", memory, "--margin", "0.02"}));
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const Json fitted = Json::parse(outcome.last_line());
    EXPECT_EQ(fitted["event"], "fitted");
    const std::int64_t largest = fitted["largest"];
    const std::int64_t limit = fitted["limit_bytes"];
    EXPECT_GE(largest, 8);
    EXPECT_TRUE(trains_within(limit, recipe, largest)) << largest;
    const std::int64_t above = largest + 2 * std::max<std::int64_t>(8, largest / 20);
    EXPECT_FALSE(trains_within(limit, recipe, above)) << above;
    int refused = 0;
    for (const Json& line : json_lines(outcome.out))
      if (line["event"] == "probe" && !line["fits"]) {
        EXPECT_GT(line["batch"], largest);
        ++refused;
      }
    EXPECT_GE(refused, 1) << "the limit did not bite";
  }

  TemporaryFolder folder_;
  std::string wide_ = folder_.write_text("wide.yaml", kWide);
};

TEST_F(FitBatch, FindsTheLargestThatTrainsUnderTheLimit) { check_edge(kWide, 200); }

TEST_F(FitBatch, FindsTheLargestOfAConvolutionalNet) { check_edge(kConvolutions, 150); }

TEST_F(FitBatch, ReportsChoosesAndWrites) {
  const std::string fitted = folder_ / "fitted.yaml";
  const Outcome outcome =
      run_program(with({"fit-batch", wide_, "--max", "200"},
                       {"--lr-rule", "linear", "--write", fitted, "--set", "model.hidden=[16]"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("5,400 samples"), HasSubstr("largest    200 fits"),
                                 HasSubstr("fastest    "), HasSubstr("choice     ")));
  const std::string recipe = read_bytes(fitted);
  const auto at = outcome.out.find("choice     ") + 11;
  const std::string chosen = outcome.out.substr(at, outcome.out.find(':', at) - at);
  EXPECT_LE(std::stoi(chosen), 104) << "50 steps an epoch";
  EXPECT_THAT(recipe, HasSubstr("batch_size: " + chosen));
  const Outcome trained = run_program({"check", fitted});
  EXPECT_EQ(trained.exit_code, 0) << trained.err;
}

TEST_F(FitBatch, GoesInGroupsOfANorm) {
  const std::string recipe = folder_.write_text("groups.yaml", kConvolutions);
  const Outcome outcome = run_program(
      with({"fit-batch", recipe, "--json", "--max", "100"}, {"--set", "model.bn_batch=32"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const Json& line : json_lines(outcome.out))
    if (line["event"] == "probe") {
      EXPECT_EQ(line["batch"].get<int>() % 32, 0) << line;
    }
  const Json fitted = Json::parse(outcome.last_line());
  EXPECT_EQ(fitted["largest"], 96);
  EXPECT_EQ(fitted["chosen"], 32) << "1,700 samples: 50 steps of 34";
  const Outcome none =
      run_program(with({"fit-batch", recipe, "--max", "20"}, {"--set", "model.bn_batch=32"}));
  EXPECT_NE(none.exit_code, 0);
  EXPECT_THAT(none.err, HasSubstr("no batch of at most 20 samples holds a group of 32"));
}

TEST_F(FitBatch, NotEvenABatchOf1IsOneClearLine) {
  const Outcome outcome = run_program(with({"fit-batch", wide_}, {"--memory", "90MiB"}));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("not even a batch of 1 fits in 81 MiB"));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
}

TEST_F(FitBatch, ASizeThatTakesTooLongDoesNotFit) {
  const Outcome outcome =
      run_program(with({"fit-batch", wide_}, {"--probe-seconds", "0.01", "--max", "1"}));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("longer than 0.01 s"));
}

TEST_F(FitBatch, ComparesAtEqualSamplesAndEqualTime) {
  const Outcome outcome = run_program(
      with({"fit-batch", wide_, "--json", "--compare", "4,256"},
           {"--lr-rule", "sqrt", "--set", "model.hidden=[256]", "--set", "train.duration=2ep"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("the total batch goes from 64 to 4:"));
  const auto lines = json_lines(outcome.out);
  ASSERT_EQ(lines.size(), 5U) << outcome.out;
  EXPECT_EQ(lines[0]["steps"], 2 * (5400 / 4));
  EXPECT_EQ(lines[1]["steps"], 2 * (5400 / 256));
  EXPECT_NEAR(lines[0]["lr_max"], 0.0025, 1e-9);
  EXPECT_NEAR(lines[1]["lr_max"], 0.02, 1e-9);
  const double seconds = lines[4]["seconds"];
  for (int i = 2; i < 4; ++i) {
    EXPECT_EQ(lines[i]["equal"], "time");
    const Json& whole = lines[i - 2];  // of the same size, over as many samples
    const double share = std::min(1.0, seconds / whole["seconds"].get<double>());
    EXPECT_EQ(lines[i]["planned"], std::floor(whole["steps"].get<double>() * share));
    EXPECT_LE(lines[i]["steps"], lines[i]["planned"]);
    EXPECT_TRUE(lines[i]["validation_accuracy"].is_number());
    EXPECT_TRUE(lines[i]["test_accuracy"].is_number());
  }
  EXPECT_EQ(seconds,
            std::min(lines[0]["seconds"].get<double>(), lines[1]["seconds"].get<double>()));
  EXPECT_EQ(lines[4]["event"], "compared");
}

TEST_F(FitBatch, CtrlCEndsItWithWhatIsKnown) {
  Program program(with({"fit-batch", wide_, "--json"}, {}));
  EXPECT_TRUE(program.comes_to_say("\"probe\""));
  ::kill(program.pid(), SIGINT);
  const Outcome outcome = program.wait();
  EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
  const Json last = Json::parse(outcome.last_line());
  EXPECT_EQ(last["event"], "interrupted");
  EXPECT_GE(last["largest"], 8);
}

TEST_F(FitBatch, BadArgumentsAreOneClearLine) {
  const std::vector<std::vector<std::string>> bad = {
      {"--memory", "lots"},       {"--memory", "-1GiB"},    {"--margin", "1"},
      {"--margin", "much"},       {"--max", "0"},           {"--lr-rule", "cubic"},
      {"--compare", "128"},       {"--compare", "64,64"},   {"--compare", "64,x"},
      {"--compare", "64,999999"}, {"--write", "/no/where"}, {"--probe-seconds", "0"},
  };
  for (const auto& arguments : bad) {
    const Outcome outcome = run_program(with({"fit-batch", wide_}, arguments));
    EXPECT_EQ(outcome.exit_code, 2) << arguments[0] << " " << arguments[1] << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(arguments[0]));
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  }
  EXPECT_THAT(run_program({"fit-batch", "--help"}).out, HasSubstr("Examples:"));
}

TEST_F(FitBatch, WhatIsWrongWithTheDataIsSaidAsItIs) {
  const std::string absent =
      folder_.write_text("absent.yaml",
                         "data: {name: cifar10, dir: /no/where}\nmodel: resnet8\nschedule: {name: "
                         "one_cycle, lr_max: 1}\n");
  const Outcome outcome = run_program(with({"fit-batch", absent}, {}));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("/no/where"));
}

}  // namespace
}  // namespace onecycle::testing
