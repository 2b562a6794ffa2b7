// What a program outside of this repository gets from find_package(onecycle) and add_subdirectory.

#include "support/build_setting.h"
#include "support/environment.h"
#include "support/program.h"

#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

namespace onecycle::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AnyOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

Outcome cmake(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "cmake");
  return Program(std::move(arguments), "/usr/bin/env").wait();
}

// The blocks of code in README's section about programs of one's own, in order.
std::vector<std::string> readme_blocks() {
  const std::string text = read_bytes(source_dir() + "/README.md");
  const std::size_t end = text.find("\n## Measured");
  std::vector<std::string> blocks;
  for (std::size_t at = text.find("## In a program of your own");
       (at = text.find("\n```c", at)) < end;) {
    const std::size_t begin = text.find('\n', at + 1) + 1;
    at = text.find("```", begin) + 3;
    blocks.push_back(text.substr(begin, at - 3 - begin));
  }
  return blocks;
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

  void expect_predictor(const std::string& name) {
    const Environment named(Environment::Variables{{"ONECYCLE_TORCH_SITE", site_}});
    const std::string program = build(source_dir() + "/tests/package/predictor", name) + "/predict";
    expect_classes(Program({trained_run(), picture_}, program).wait().out);
    EXPECT_THAT(Program({"ldd", program}, "/usr/bin/env").wait().out,
                Not(AnyOf(HasSubstr("yaml"), HasSubstr("sqlite"))));
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
      const std::string example = entry.path().stem();
      if (example == "predict") arguments = {trained_run(), picture_};
      const Outcome ran = Program(arguments, folder + "/" + example).wait();
      EXPECT_EQ(ran.exit_code, 0) << entry.path() << "\n" << ran.out << ran.err;
      if (example == "predict") expect_classes(ran.out);
    }
  }

  // The folder of a run on pictures of three classes.
  std::string trained_run() {
    const std::string runs = folder_ / "runs";
    if (fs::exists(runs)) return runs + "/small/1";
    const std::string recipe = folder_.write_text("small.yaml", R"(name: small
data:
  format: {name: synthetic, train: 300, test: 30, classes: 3, channels: 3, height: 8, width: 8}
  validation: 50
model: {name: mlp, hidden: [16]}
schedule: {name: one_cycle, lr_max: 0.1}
train: {duration: 1ep, device: cpu}
)");
    const Outcome trained = run_program({"train", recipe, "--set", "output.dir=" + runs, "-q"});
    EXPECT_EQ(trained.exit_code, 0) << trained.err;
    return runs + "/small/1";
  }

  // "FILE: NAME PROBABILITY" with three names, whose probabilities are all that there are.
  void expect_classes(const std::string& line) {
    EXPECT_THAT(line,
                ContainsRegex("^" + picture_ + ": [012] [01][.0-9]+ [012] [01][.0-9]+ [012] [01]"));
    std::istringstream words(line.substr(picture_.size() + 1));
    double sum = 0, probability = 0;
    for (std::string name; words >> name >> probability;) sum += probability;
    EXPECT_NEAR(sum, 1, 1e-5) << line;
  }

  TemporaryFolder folder_;
  std::string prefix_ = folder_ / "prefix";
  std::string picture_ = source_dir() + "/tests/fuzz/corpus/picture/jpeg-420";
  std::string site_;
};

TEST_F(Package, SchedulesAndEveryExampleStandOnItWhereverItLies) {
  install();
  expect_curve("curve");
  expect_predictor("predictor");
  expect_examples("examples");
  fs::rename(prefix_, folder_ / "elsewhere");
  prefix_ = folder_ / "elsewhere";
  expect_curve("curve-moved");
  expect_predictor("predictor-moved");
  expect_examples("examples-moved");
}

TEST_F(Package, IsWhatTheReadmeSays) {
  const std::vector<std::string> blocks = readme_blocks();
  ASSERT_EQ(blocks.size(), 3u);  // CMake with an installation, with a clone, and the program
  install();
  folder_.write_text("trainer/CMakeLists.txt", blocks[0]);
  folder_.write_text("trainer/trainer.cpp", blocks[2]);
  const Environment named(Environment::Variables{{"ONECYCLE_TORCH_SITE", site_}});
  const std::string program = build(folder_ / "trainer", "trainer-build") + "/trainer";
  const Outcome ran = Program({"-C", folder_.path(), program}, "/usr/bin/env").wait();
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_TRUE(fs::exists(folder_ / "net.pt"));

  std::string with_clone = blocks[0];
  const std::string line = "find_package(onecycle REQUIRED)\n";
  ASSERT_THAT(with_clone, HasSubstr(line));
  with_clone.replace(with_clone.find(line), line.size(), blocks[1]);
  folder_.write_text("trainer/CMakeLists.txt", with_clone);
  const Outcome configured =
      cmake({"-S", folder_ / "trainer", "-B", folder_ / "trainer-clone", "-G", "Ninja",
             "-DONECYCLE_CUDA=OFF", "-DFETCHCONTENT_SOURCE_DIR_ONECYCLE=" + source_dir()});
  EXPECT_EQ(configured.exit_code, 0) << configured.err;
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
