// The front end, which becomes the engine, in a build and installed.

#include "front/help.h"
#include "support/build_setting.h"
#include "support/environment.h"
#include "support/held_command.h"
#include "support/places.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(FrontEnd, BecomesTheEngineInTheSameProcess) {
  HeldCommand command;
  ASSERT_TRUE(command.holds());
  const auto engine =
      std::filesystem::read_symlink("/proc/" + std::to_string(command.pid()) + "/exe");
  EXPECT_THAT(engine.string(), HasSubstr("libexec/onecycle"));
  EXPECT_THAT(command.proc("cmdline"), StartsWith(program_path() + '\0' + "check"));
  EXPECT_THAT(command.proc("comm"), StartsWith("onecycle"));
  command.end();
}

TEST(FrontEnd, FindsItsEngineFromWhereverItIsLinked) {
  const TemporaryFolder folder;
  std::filesystem::create_symlink(program_path(), folder / "1cycle");
  const Outcome outcome = Program({"data", "list"}, folder / "1cycle").wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("cifar10"));
}

TEST(FrontEnd, AnswersHelpAndVersionWithoutItsEngine) {
  const TemporaryFolder folder;
  std::filesystem::copy_file(program_path(), folder / "onecycle");
  for (const char* word : {"--help", "-h", "help", "--version"}) {
    const Outcome outcome = Program({word}, folder / "onecycle").wait();
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_THAT(outcome.out, StartsWith("onecycle "));
  }
  const Outcome help = Program({"--help"}, folder / "onecycle").wait();
  EXPECT_THAT(help.out, HasSubstr("Usage: " + (folder / "onecycle") + " COMMAND"));
  for (const CommandSummary& command : kCommandSummaries)
    EXPECT_THAT(help.out, HasSubstr("\n  " + std::string(command.name) + "  "));
  const Outcome nothing = Program({}, folder / "onecycle").wait();
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_THAT(nothing.out, HasSubstr("range-test"));
}

TEST(FrontEnd, ListsWhatTheEngineDoes) {
  for (const CommandSummary& command : kCommandSummaries) {
    const Outcome outcome = run_program({command.name, "--help"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("Examples:"));
  }
}

TEST(FrontEnd, WithoutItsEngineItSaysWhatIsMissing) {
  const TemporaryFolder folder;
  std::filesystem::copy_file(program_path(), folder / "onecycle");
  const Outcome outcome = Program({"info"}, folder / "onecycle").wait();
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err,
              StartsWith("onecycle: libexec/onecycle, which belongs to " + folder.path()));
}

TEST(FrontEnd, LinksNoLibraryThatTakesTimeToLoad) {
  const std::string bytes = read_bytes(program_path());
  for (const char* library : {"libc10.so", "libgomp.so", "libcrypto.so", "libcurl.so"})
    EXPECT_EQ(bytes.find(library), std::string::npos) << library;
}

TEST(FrontEnd, ARecipeIsTheOwnOneBeforeTheOneThatIsShipped) {
  EXPECT_EQ(run_program({"check", "recipes/quickstart.yaml"}).exit_code, 0);
  EXPECT_EQ(run_program({"check", "recipes/no-such.yaml"}).err,
            "recipes/no-such.yaml: cannot be read: No such file or directory\n");
  std::filesystem::create_directory("recipes");
  std::ofstream("recipes/quickstart.yaml") << "model: 3\n";
  EXPECT_THAT(run_program({"check", "recipes/quickstart.yaml"}).err, HasSubstr("1:"));
  std::filesystem::remove_all("recipes");
}

TEST(FrontEnd, InstalledItFindsLibTorchAndWhatItShips) {
  const std::string site = build_setting("ONECYCLE_TORCH_SITE");
  if (site.empty()) GTEST_SKIP() << "needs a LibTorch of a Python package";
  const TemporaryFolder folder;
  const std::string build = std::filesystem::path(program_path()).parent_path().string();
  const Outcome installed =
      Program({"cmake", "--install", build, "--component", "program", "--prefix", folder / "usr"},
              "/usr/bin/env")
          .wait();
  ASSERT_EQ(installed.exit_code, 0) << installed.err;
  const std::string program = folder / "usr/bin/onecycle";
  const Environment named(Environment::Variables{{"ONECYCLE_TORCH_SITE", site}});
  const Outcome info = Program({"info"}, program).wait();
  EXPECT_EQ(info.exit_code, 0) << info.err;
  EXPECT_THAT(info.out, HasSubstr(folder / "usr/share/onecycle/datasets"));
  const Outcome check = Program({"check", "recipes/quickstart.yaml"}, program).wait();
  EXPECT_EQ(check.out, "recipes/quickstart.yaml: ok\n") << check.err;
  for (const auto& engine : std::filesystem::directory_iterator(folder / "usr/libexec"))
    EXPECT_EQ(read_bytes(engine.path().string()).find(site + "/torch/lib"), std::string::npos)
        << "it would load that one, whatever is found";
}

}  // namespace
}  // namespace onecycle::testing
