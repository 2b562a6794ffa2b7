// What the program does with signals, and that none of them runs code on a thread that computes.

#include "support/comes_true.h"
#include "support/held_command.h"
#include "support/signal_masks.h"

#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

namespace onecycle::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kEndless = R"(name: endless
data: {format: {name: synthetic, train: 1000, test: 130}, batch_size: 50, validation: 100}
model: {name: mlp, hidden: [16]}
schedule: {name: one_cycle, lr_max: 0.1}
train: {duration: 1000000ep, log_every: 5, threads: 2}
)";

int count_of(const std::string& text, const std::string& part) {
  int count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++count;
  return count;
}

class Signals : public ::testing::Test {
 protected:
  // What a test runner started in the background has them ignore.
  static void SetUpTestSuite() {
    for (const int number : {SIGINT, SIGHUP}) std::signal(number, SIG_DFL);
  }

  std::vector<std::string> train() const {
    return {"train", recipe_, "--json", "--set", "output.dir=" + (folder_ / "runs")};
  }
  static bool trains(const Program& program) {
    return comes_true([&] { return count_of(program.out_so_far(), "\"log\"") > 0; });
  }
  bool saved() const {
    return std::filesystem::exists(folder_ / "runs/endless/1/checkpoints/last.safetensors");
  }

  TemporaryFolder folder_;
  std::string recipe_ = folder_.write_text("recipe.yaml", kEndless);
};

TEST_F(Signals, NoneHasAHandlerAndOneThreadTakesThem) {
  Program program(train());
  ASSERT_TRUE(trains(program));
  const std::string process = "/proc/" + std::to_string(program.pid());
  // glibc's own two, for threads that are cancelled or change their user.
  constexpr std::uint64_t kOfGlibc = bit(32) | bit(33);
  // A mapped file that is cut short can end the process alone, with a line that says so.
  EXPECT_EQ(mask_in(read_bytes(process + "/status"), "SigCgt") & ~kOfGlibc, bit(SIGBUS));
  int threads = 0;
  for (const auto& thread : std::filesystem::directory_iterator(process + "/task")) {
    const std::string status = read_bytes(thread.path().string() + "/status");
    const std::uint64_t blocked = mask_in(status, "SigBlk");
    ++threads;
    // While it waits for them, the kernel shows the taker's own mask without them.
    const bool takes = (blocked & bit(SIGTERM)) == 0 && (blocked & bit(SIGSEGV)) != 0;
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1})
      EXPECT_TRUE(takes || (blocked & bit(number)) != 0) << status;
  }
  EXPECT_GE(threads, 3) << "two that compute and one that takes signals";
  ::kill(program.pid(), SIGTERM);
  EXPECT_EQ(program.wait().exit_code, 143);
}

TEST_F(Signals, AHangUpSavesAndEnds) {
  Program program(train());
  ASSERT_TRUE(trains(program));
  ::kill(program.pid(), SIGHUP);
  ::kill(program.pid(), SIGHUP);
  const Outcome outcome = program.wait();
  EXPECT_EQ(outcome.exit_code, 129);
  EXPECT_THAT(outcome.err, HasSubstr("asked to end (SIGHUP"));
  EXPECT_THAT(outcome.err, HasSubstr("is saved; go on with"));
  EXPECT_TRUE(saved());
}

TEST_F(Signals, BeforeTheFirstPointThereIsNoWordOfAReport) {
  auto arguments = train();
  for (const char* setting : {"train.log_every=1000000000", "train.evaluate_every=1000000ep"}) {
    arguments.emplace_back("--set");
    arguments.emplace_back(setting);
  }
  Program program(arguments);
  const auto begun = [&] {
    return std::filesystem::exists(folder_ / "runs/endless/1/recipe.yaml");
  };
  ASSERT_TRUE(comes_true(begun)) << "SIGUSR1 ends what has not come to its first line";
  ASSERT_TRUE(comes_true([&] {
    ::kill(program.pid(), SIGUSR1);
    return saved();
  }));
  ::kill(program.pid(), SIGINT);
  const Outcome outcome = program.wait();
  EXPECT_EQ(outcome.exit_code, 130);
  EXPECT_THAT(outcome.err, Not(HasSubstr("warning")));
}

TEST_F(Signals, NohupIsHeeded) {
  std::signal(SIGHUP, SIG_IGN);
  Program program(train());
  std::signal(SIGHUP, SIG_DFL);
  ASSERT_TRUE(trains(program));
  ::kill(program.pid(), SIGHUP);
  const int before = count_of(program.out_so_far(), "\"log\"");
  EXPECT_TRUE(comes_true([&] { return count_of(program.out_so_far(), "\"log\"") > before + 20; }));
  ::kill(program.pid(), SIGTERM);
  EXPECT_EQ(program.wait().exit_code, 143);
}

TEST_F(Signals, ACommandWithNothingToSaveDiesOfThemAtOnce) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    HeldCommand command;
    ASSERT_TRUE(command.holds());
    ::kill(command.pid(), number);
    EXPECT_EQ(command.wait().exit_code, 128 + number);
  }
}

TEST_F(Signals, Sigusr1IsNothingWhereNothingCanBeSaved) {
  HeldCommand command;
  ASSERT_TRUE(command.holds());
  ::kill(command.pid(), SIGUSR1);
  EXPECT_EQ(command.end().exit_code, 2) << "an empty recipe";
}

}  // namespace
}  // namespace onecycle::testing
