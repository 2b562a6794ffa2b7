// The front end, which becomes the engine.

#include "front/help.h"
#include "support/held_command.h"
#include "support/places.h"

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
  EXPECT_THAT(engine.string(), ::testing::EndsWith("libexec/onecycle"));
  EXPECT_THAT(command.proc("cmdline"), StartsWith(program_path() + '\0' + "check"));
  EXPECT_EQ(command.proc("comm"), "onecycle\n");
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
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, StartsWith("onecycle: " + (folder / "libexec/onecycle")));
}

TEST(FrontEnd, LinksNoLibraryThatTakesTimeToLoad) {
  const std::string bytes = read_bytes(program_path());
  for (const char* library : {"libtorch", "libc10", "libgomp", "libcrypto", "libcurl"})
    EXPECT_EQ(bytes.find(library), std::string::npos) << library;
}

}  // namespace
}  // namespace onecycle::testing
