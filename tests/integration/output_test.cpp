// Output that cannot be written, and a program that is started without stdin, stdout or stderr.

#include "support/places.h"
#include "support/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

namespace onecycle::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kRecipe = R"(name: small
seed: 3
data: {format: {name: synthetic, train: 600, test: 130}, batch_size: 50, validation: 100}
model: {name: mlp, hidden: [16]}
schedule: {name: one_cycle, lr_max: 0.1}
train: {duration: 2ep, log_every: 3, threads: 1}
)";

// A black PNG of 2 x 2 pixels, in hexadecimal.
constexpr const char* kPicture =
    "89504e470d0a1a0a0000000d4948445200000002000000020802000000fdd49a730000000b494441"
    "5478da6360400600000e00013a3504560000000049454e44ae426082";

std::string bytes_of(std::string_view hexadecimal) {
  std::string bytes;
  for (std::size_t i = 0; i < hexadecimal.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hexadecimal.substr(i, 2)), nullptr, 16));
  return bytes;
}

// The program with these arguments and the shell's redirections.
Outcome redirected(const std::string& redirections, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"-c", "exec \"$0\" \"$@\" " + redirections, program_path()});
  return Program(arguments, "/bin/sh").wait();
}

std::vector<std::string> rows_without_timings(const std::string& path, int timings) {
  std::vector<std::string> rows;
  std::istringstream in(read_bytes(path));
  for (std::string row; std::getline(in, row); rows.push_back(row))
    for (int i = 0; i < timings; ++i) row.erase(std::min(row.rfind(','), row.size()));
  return rows;
}

class Outputs : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    recipe_ = folder_->write_text("recipe.yaml", kRecipe);
    ASSERT_EQ(run_program(train("first")).exit_code, 0);
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::vector<std::string> train(const std::string& name) {
    return {"train", recipe_, "--set", "output.dir=" + folder(), "--set", "name=" + name};
  }
  static std::string folder() { return *folder_ / "runs"; }
  static std::string run() { return folder() + "/first/1"; }

  static inline std::unique_ptr<TemporaryFolder> folder_;
  static inline std::string recipe_;
};

TEST_F(Outputs, AFullDiskBehindStdoutIsAFailureOfEveryCommand) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "needs /dev/full";
  const std::string picture = folder_->write_text("black.png", bytes_of(kPicture));
  auto in_json = train("json");
  in_json.push_back("--json");
  const std::vector<std::vector<std::string>> commands = {
      train("plain"),
      in_json,
      {"eval", run()},
      {"eval", run(), "--json"},
      {"predict", run(), picture},
      {"predict", run(), picture, "--json"},
      {"import", run() + "/checkpoints/last.safetensors"},
      {"import", run() + "/checkpoints/last.safetensors", "--json"},
      {"report", run()},
      {"report", run(), "--json"},
      {"export", run(), "--to", *folder_ / "out.pth"},
      {"check", recipe_},
      {"schedule", recipe_},
      {"schedule", recipe_, "--csv"},
      {"schedule", recipe_, "--json"},
      {"data", "list"},
      {"data", "list", "--json"},
      {"data", "info", "synthetic"},
      {"schema"},
      {"info"},
      {"train", "--help"},
      {"--help"},
      {"--version"},
  };
  for (const auto& arguments : commands) {
    const Outcome outcome = redirected(">/dev/full", arguments);
    const std::string what = ::testing::PrintToString(arguments) + "\n" + outcome.err;
    EXPECT_EQ(outcome.exit_code, 1) << what;
    EXPECT_THAT(outcome.err, HasSubstr("onecycle: writing to stdout failed")) << what;
  }
  for (const char* name : {"plain", "json"})
    EXPECT_TRUE(std::filesystem::exists(folder() + "/" + name + "/1/checkpoints/last.safetensors"))
        << "the run itself is whole";
}

TEST_F(Outputs, AFullDiskBehindStderrChangesNothing) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "needs /dev/full";
  EXPECT_EQ(redirected("2>/dev/full", {"check", *folder_ / "missing.yaml"}).exit_code, 2);
  auto arguments = train("mute");
  arguments.push_back("--json");
  EXPECT_EQ(redirected("2>/dev/full", arguments).exit_code, 0);
}

TEST_F(Outputs, AReaderThatLeftIsNotSpokenOf) {
  const Outcome outcome =
      Program({"-c", "set -o pipefail; trap '' PIPE; \"$0\" schema | true", program_path()},
              "/bin/bash")
          .wait();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err, "");
}

TEST_F(Outputs, WithoutStandardFilesARunsFilesAreItsOwn) {
  EXPECT_EQ(redirected("<&- >&- 2>&-", train("closed")).exit_code, 0);
  const std::string closed = folder() + "/closed/1";
  EXPECT_EQ(rows_without_timings(run() + "/steps.csv", 1),
            rows_without_timings(closed + "/steps.csv", 1));
  EXPECT_EQ(rows_without_timings(run() + "/metrics.csv", 2),
            rows_without_timings(closed + "/metrics.csv", 2));
}

}  // namespace
}  // namespace onecycle::testing
