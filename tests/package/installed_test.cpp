// What a program outside of this repository gets from find_package(onecycle) and add_subdirectory.

#include "support/build_setting.h"
#include "support/environment.h"
#include "support/program.h"

#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

Outcome cmake(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "cmake");
  return Program(std::move(arguments), "/usr/bin/env").wait();
}

class Package : public ::testing::Test {
 protected:
  void SetUp() override {
    site_ = build_setting("ONECYCLE_TORCH_SITE");
    if (site_.empty()) GTEST_SKIP() << "needs a build, and a LibTorch of a Python package";
  }

  void install() {
    const std::string build = fs::path(program_path()).parent_path().string();
    const Outcome installed =
        cmake({"--install", build, "--component", "library", "--prefix", prefix_});
    ASSERT_EQ(installed.exit_code, 0) << installed.err;
  }

  // Configures and builds a project beside the prefix. Returns its build folder.
  std::string build(const std::string& source, const std::string& name,
                    std::vector<std::string> settings = {}) {
    const std::string folder = folder_ / name;
    std::vector<std::string> arguments = {
        "-S", source, "-B", folder, "-G", "Ninja", "-DCMAKE_PREFIX_PATH=" + prefix_};
    arguments.insert(arguments.end(), settings.begin(), settings.end());
    const Outcome configured = cmake(arguments);
    EXPECT_EQ(configured.exit_code, 0) << configured.err;
    if (configured.exit_code != 0) return folder;
    const Outcome built = cmake({"--build", folder});
    EXPECT_EQ(built.exit_code, 0) << built.out << built.err;
    return folder;
  }

  void expect_curve(const std::string& name) {
    const Environment none(Environment::Variables{
        {"ONECYCLE_TORCH_SITE", ""}, {"VIRTUAL_ENV", ""}, {"HOME", folder_.path()}});
    const std::string program = build(source_dir() + "/tests/package/curve", name) + "/curve";
    EXPECT_EQ(Program({}, program).wait().exit_code, 0);
    EXPECT_THAT(Program({"ldd", program}, "/usr/bin/env").wait().out, Not(HasSubstr("torch")));
  }

  void expect_examples(const std::string& name) {
    const Environment named(Environment::Variables{{"ONECYCLE_TORCH_SITE", site_}});
    const std::string examples = source_dir() + "/examples";
    const std::string folder = build(examples, name);
    for (const auto& entry : fs::directory_iterator(examples)) {
      if (entry.path().extension() != ".cpp") continue;
      const fs::path recipe = fs::path(entry.path()).replace_extension(".yaml");
      std::vector<std::string> arguments;
      if (fs::exists(recipe)) arguments.push_back(recipe.string());
      const Outcome ran = Program(arguments, folder + "/" + entry.path().stem().string()).wait();
      EXPECT_EQ(ran.exit_code, 0) << entry.path() << "\n" << ran.out << ran.err;
    }
  }

  TemporaryFolder folder_;
  std::string prefix_ = folder_ / "prefix";
  std::string site_;
};

TEST_F(Package, SchedulesAndEveryExampleStandOnItWhereverItLies) {
  install();
  expect_curve("curve");
  expect_examples("examples");
  fs::rename(prefix_, folder_ / "elsewhere");
  prefix_ = folder_ / "elsewhere";
  expect_curve("curve-moved");
  expect_examples("examples-moved");
}

TEST_F(Package, NamesNoFolderOfTheMachineThatMadeIt) {
  install();
  for (const auto& entry : fs::recursive_directory_iterator(prefix_)) {
    if (entry.path().extension() != ".cmake") continue;
    const std::string text = read_bytes(entry.path().string());
    for (const std::string& folder : {source_dir(), site_, prefix_})
      EXPECT_EQ(text.find(folder), std::string::npos) << entry.path() << " names " << folder;
  }
}

TEST_F(Package, IsAlsoAFolderOfAnotherProject) {
  const std::string folder = build(source_dir() + "/tests/package/subproject", "subproject",
                                   {"-DONECYCLE_SOURCE=" + source_dir(),
                                    "-DONECYCLE_TORCH_SITE=" + site_, "-DONECYCLE_CUDA=OFF"});
  EXPECT_EQ(Program({}, folder + "/curve").wait().exit_code, 0);
}

}  // namespace
}  // namespace onecycle::testing
