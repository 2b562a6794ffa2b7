// What makes a Python wheel of the program (pyproject.toml), as far as it goes without building
// one.

#include "support/environment.h"
#include "support/places.h"
#include "support/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Outcome python(const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {"python3", "-S"};  // without packages: no torch
  command.insert(command.end(), arguments.begin(), arguments.end());
  return Program(command, "/usr/bin/env").wait();
}

const std::string kMetadata = "import sys; sys.path.insert(0, '" + source_dir() +
                              "/python'); import build_metadata as b; "
                              "print(b.dynamic_metadata({}, {}))";

class Package : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(source_dir() + "/pyproject.toml"))
      GTEST_SKIP() << "needs the repository";
  }
};

TEST_F(Package, IsOfTheVersionOfTheProgramAndForTheTorchAtHand) {
  const TemporaryFolder folder;
  folder.write_text("torch/version.py", "__version__ = '2.12.1+cpu'\n");
  const Environment site(Environment::Variables{{"ONECYCLE_TORCH_SITE", folder.path()}});
  const Outcome outcome = python({"-c", kMetadata});
  const std::string version = run_program({"--version"}).out;  // "onecycle 0.1.0"
  EXPECT_EQ(outcome.out, "{'version': '" + version.substr(9, version.size() - 10) +
                             "', 'dependencies': ['torch==2.12.*']}\n")
      << outcome.err;
}

TEST_F(Package, WithoutTorchItIsOneLine) {
  const TemporaryFolder folder;
  const Environment none(Environment::Variables{{"ONECYCLE_TORCH_SITE", ""}, {"PYTHONPATH", ""}});
  const Outcome hidden = python({"-c", kMetadata});
  EXPECT_EQ(hidden.exit_code, 1);
  EXPECT_THAT(hidden.err,
              AllOf(StartsWith("onecycle is built with the installed torch"),
                    HasSubstr("pip install --no-build-isolation ."), Not(HasSubstr("Traceback"))));
  const Environment empty(Environment::Variables{{"ONECYCLE_TORCH_SITE", folder.path()}});
  EXPECT_EQ(python({"-c", kMetadata}).err,
            "onecycle: ONECYCLE_TORCH_SITE=" + folder.path() + " holds no torch/version.py\n");
  folder.write_text("torch/version.py", "__version__ = '2.10.0'\n");
  EXPECT_THAT(python({"-c", kMetadata}).err, HasSubstr("2.10 in " + folder.path() + " is too old"));
}

// The same names as for ./onecycle; what is given to CMake is stronger.
TEST_F(Package, TakesItsSettingsFromTheEnvironment) {
  if (Program({"-c", "command -v cmake"}, "/bin/sh").wait().exit_code != 0)
    GTEST_SKIP() << "needs cmake";
  const TemporaryFolder folder;
  folder.write_text("say.cmake", "include(" + source_dir() +
                                     "/cmake/settings.cmake)\n"
                                     "message(\"${ONECYCLE_TORCH_SITE}|${ONECYCLE_CUDA}|"
                                     "${ONECYCLE_CUDA_ARCHITECTURES}\")\n");
  const auto settings = [&](const std::vector<std::string>& defined) {
    std::vector<std::string> command = {"cmake"};
    command.insert(command.end(), defined.begin(), defined.end());
    command.insert(command.end(), {"-P", folder / "say.cmake"});
    return Program(command, "/usr/bin/env").wait().err;
  };
  const Environment none(Environment::Variables{
      {"ONECYCLE_TORCH_SITE", ""}, {"ONECYCLE_CUDA", ""}, {"ONECYCLE_CUDA_ARCHITECTURES", ""}});
  EXPECT_EQ(settings({}), "|AUTO|native\n");
  const Environment some(Environment::Variables{{"ONECYCLE_TORCH_SITE", "/site"},
                                                {"ONECYCLE_CUDA", "OFF"},
                                                {"ONECYCLE_CUDA_ARCHITECTURES", "90"}});
  EXPECT_EQ(settings({}), "/site|OFF|90\n");
  EXPECT_EQ(settings({"-DONECYCLE_CUDA=ON"}), "/site|ON|90\n");
}

TEST_F(Package, IsAModuleThatBecomesTheProgram) {
  const TemporaryFolder folder;
  std::filesystem::copy(source_dir() + "/python/onecycle", folder / "onecycle");
  folder.write_text("onecycle/bin/none", "");
  std::filesystem::create_symlink(program_path(), folder / "onecycle/bin/onecycle");
  const Environment path(Environment::Variables{{"PYTHONPATH", folder.path()}});
  const Outcome outcome = python({"-m", "onecycle", "schema", "--wrong"});
  const Outcome expected = run_program({"schema", "--wrong"});
  EXPECT_EQ(outcome.exit_code, expected.exit_code);
  std::string said = expected.err;  // where the module says "onecycle", as it starts the program
  const std::size_t at = said.find(program_path());
  ASSERT_NE(at, std::string::npos) << said;
  EXPECT_EQ(outcome.err, said.replace(at, program_path().size(), "onecycle"));
}

}  // namespace
}  // namespace onecycle::testing
