// The files of docker/: they agree with one another, and with what was built here. tests/docker
// builds an image.

#include "support/build_setting.h"
#include "support/program.h"

#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <regex>
#include <set>
#include <yaml-cpp/yaml.h>

namespace onecycle::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
namespace fs = std::filesystem;
using Words = std::set<std::string>;

const std::string kDocker = source_dir() + "/docker";
const std::string kSteps = kDocker + "/steps";

Words found_in(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  Words words;
  for (std::sregex_iterator match(text.begin(), text.end(), regex), end; match != end; ++match)
    words.insert((*match)[1]);
  return words;
}

TEST(Images, TheDockerfileCallsStepsThatThereAre) {
  const Outcome help = Program({"--help"}, kSteps).wait();
  ASSERT_EQ(help.exit_code, 0) << help.err;
  const Words steps = found_in(help.out, R"(\n  steps (\w+))");
  const Words called = found_in(read_bytes(kDocker + "/Dockerfile"), R"(docker/steps (\w+) )");
  EXPECT_EQ(called, (Words{"prepare", "build", "runtime", "check"}));
  for (const std::string& step : called) EXPECT_TRUE(steps.contains(step)) << step;
}

TEST(Images, AWrongStepOrKindIsRefused) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {}, {"paint"}, {"build", "cpu"}, {"prepare", "tpu"}, {"use_setup", "cpu"}}) {
    const Outcome outcome = Program(words, kSteps).wait();
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_THAT(outcome.err, StartsWith("docker/steps: "));
  }
}

TEST(Images, ComposeBuildsWithArgumentsAndFoldersOfTheDockerfile) {
  const std::string dockerfile = read_bytes(kDocker + "/Dockerfile");
  const YAML::Node compose = YAML::LoadFile(kDocker + "/compose.yaml");
  const Words arguments = found_in(dockerfile, R"(\nARG (\w+))");
  Words kinds;
  for (const char* service : {"cpu", "gpu"}) {
    const YAML::Node build = compose["services"][service]["build"];
    EXPECT_TRUE(fs::equivalent(fs::path(kDocker) / build["context"].as<std::string>() /
                                   build["dockerfile"].as<std::string>(),
                               kDocker + "/Dockerfile"));
    for (const auto& argument : build["args"])
      EXPECT_TRUE(arguments.contains(argument.first.as<std::string>())) << argument.first;
    kinds.insert(build["args"]["KIND"].as<std::string>());
  }
  EXPECT_EQ(kinds, (Words{"cpu", "cuda"}));
  EXPECT_TRUE(compose["services"]["gpu"]["deploy"]["resources"]["reservations"]["devices"]);
  const YAML::Node shared = compose["x-onecycle"];
  EXPECT_TRUE(shared["shm_size"]);
  EXPECT_THAT(dockerfile, HasSubstr("\nWORKDIR /work\n"));
  for (const auto& volume : shared["volumes"])
    EXPECT_THAT(volume.as<std::string>(), HasSubstr(":/work/"));
}

// As an image has them: the engine beside the LibTorch that it was built with.
TEST(Images, ThePackagesOfTheBuiltEngineAreFound) {
  if (!fs::exists("/usr/bin/dpkg-query")) GTEST_SKIP() << "needs dpkg";
  const std::string site = build_setting("ONECYCLE_TORCH_SITE");
  if (site.empty()) GTEST_SKIP() << "needs a LibTorch of a Python package";
  const TemporaryFolder tree;
  fs::create_directories(tree / "bin");
  fs::create_directories(tree / "libexec");
  fs::create_symlink(program_path(), tree / "bin/onecycle");
  fs::create_symlink(fs::path(program_path()).parent_path() / "libexec/onecycle",
                     tree / "libexec/onecycle-cpu");
  for (const char* name : {"torch", "nvidia"})
    fs::create_directory_symlink(fs::path(site) / name, tree / name);
  const Outcome outcome = Program({"packages", tree.path()}, kSteps).wait();
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const char* package :
       {"liblzma5", "libc6", "libcsv3", "libcurl4", "libjpeg", "libpng16-16", "libsqlite3-0",
        "libssl3", "libstdc++6", "libwebp7", "libwebpdemux2", "libyaml-cpp", "zlib1g"})
    EXPECT_THAT("\n" + outcome.out, HasSubstr(std::string("\n") + package));
  for (const char* package : {"ca-certificates", "dataset-fashion-mnist", "gnuplot-nox"})
    EXPECT_THAT("\n" + outcome.out, HasSubstr(std::string("\n") + package + "\n"));
  EXPECT_EQ(outcome.out.find("-dev\n"), std::string::npos) << outcome.out;
}

}  // namespace
}  // namespace onecycle::testing
