// The front end, which sets what LibTorch's libraries read when they are loaded and becomes the
// engine.

#include "support/environment.h"
#include "support/held_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// The value in the environment of a started program, "-" where it is not there.
std::string variable_of_engine(const std::string& name) {
  HeldCommand command;
  EXPECT_TRUE(command.holds());
  std::string block = command.proc("environ");
  block.insert(block.begin(), '\0');
  command.end();
  const std::string start = '\0' + name + "=";
  const std::size_t at = block.find(start);
  if (at == std::string::npos) return "-";
  const std::size_t begin = at + start.size();
  return block.substr(begin, block.find('\0', begin) - begin);
}

TEST(FrontEnd, ThreadsSpinShortlyUnlessTheUserChose) {
  for (const char* name : {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}) ::unsetenv(name);
  EXPECT_GT(std::atoi(variable_of_engine("GOMP_SPINCOUNT").c_str()), 0);
  {
    const Environment chosen(Environment::Variables{{"GOMP_SPINCOUNT", "77"}});
    EXPECT_EQ(variable_of_engine("GOMP_SPINCOUNT"), "77");
  }
  const Environment chosen(Environment::Variables{{"OMP_WAIT_POLICY", "active"}});
  EXPECT_EQ(variable_of_engine("GOMP_SPINCOUNT"), "-");
}

TEST(FrontEnd, BecomesTheEngineInTheSameProcess) {
  HeldCommand command;
  ASSERT_TRUE(command.holds());
  const auto engine =
      std::filesystem::read_symlink("/proc/" + std::to_string(command.pid()) + "/exe");
  EXPECT_THAT(engine.string(), ::testing::EndsWith("libexec/onecycle"));
  EXPECT_THAT(command.proc("cmdline"), StartsWith(std::string(ONECYCLE_PROGRAM) + '\0' + "check"));
  EXPECT_EQ(command.proc("comm"), "onecycle\n");
  command.end();
}

TEST(FrontEnd, FindsItsEngineFromWhereverItIsLinked) {
  const TemporaryFolder folder;
  std::filesystem::create_symlink(ONECYCLE_PROGRAM, folder / "1cycle");
  const Outcome outcome = Program({"--version"}, folder / "1cycle").wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, StartsWith("onecycle "));
}

TEST(FrontEnd, WithoutItsEngineItSaysWhatIsMissing) {
  const TemporaryFolder folder;
  std::filesystem::copy_file(ONECYCLE_PROGRAM, folder / "onecycle");
  const Outcome outcome = Program({"--version"}, folder / "onecycle").wait();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, StartsWith("onecycle: " + (folder / "libexec/onecycle")));
}

TEST(FrontEnd, LinksNoLibraryThatTakesTimeToLoad) {
  const std::string bytes = read_bytes(ONECYCLE_PROGRAM);
  for (const char* library : {"libtorch", "libc10", "libgomp", "libcrypto", "libcurl"})
    EXPECT_EQ(bytes.find(library), std::string::npos) << library;
}

}  // namespace
}  // namespace onecycle::testing
