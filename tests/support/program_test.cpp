#include "support/program.h"

#include "support/environment.h"

#include <gtest/gtest.h>

namespace onecycle::testing {
namespace {

TEST(Program, ThatCannotBeStartedFailsTheTest) {
  EXPECT_THROW(Program({"--help"}, "/nonexistent/program"), std::system_error);
  EXPECT_EQ(Program({"-c", "exit 3"}, "/bin/sh").wait().exit_code, 3);
}

TEST(Places, AreThoseOfTheBundleThatIsNamed) {
  EXPECT_TRUE(std::filesystem::exists(source_dir() + "/recipes"));
  const Environment moved(Environment::Variables{{"ONECYCLE_ROOT", "/elsewhere"}});
  EXPECT_EQ(source_dir(), "/elsewhere");
  EXPECT_EQ(program_path(), "/elsewhere/build/release/onecycle");
  EXPECT_EQ(built("tests/dist/launched_rank"), "/elsewhere/build/release/tests/dist/launched_rank");
}

}  // namespace
}  // namespace onecycle::testing
