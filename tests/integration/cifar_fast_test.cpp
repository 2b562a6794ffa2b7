// The recipes of the fast CIFAR network, on made-up pictures, as a user runs them.

#include "support/json_lines.h"
#include "support/places.h"
#include "support/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace onecycle::testing {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

const std::string kRecipes = source_dir() + "/recipes/";

std::vector<std::string> train(const TemporaryFolder& folder,
                               const std::vector<std::string>& more) {
  std::vector<std::string> arguments{"train",          kRecipes + "smoke/cifar-fast.yaml", "--json",
                                     "--set",          "output.dir=" + (folder / "runs"),  "--set",
                                     "train.threads=1"};
  for (const std::string& option : more) arguments.insert(arguments.end(), {"--set", option});
  return arguments;
}

// What a run says at its end is what `eval` says of it, by the same views of each picture.
TEST(CifarFast, SmokeRecipeLearnsAndEvalAgrees) {
  const TemporaryFolder folder;
  const Outcome trained = run_program(train(folder, {}));
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_THAT(trained.err, HasSubstr("whiten"));
  EXPECT_THAT(trained.err, HasSubstr("until step 20 (epoch 2)"));
  const Json end = json_lines(trained.out).back();
  EXPECT_GT(end["test_accuracy"].get<double>(), 0.5) << "of 10 classes";
  const std::string run = folder / "runs/smoke-cifar-fast/1";
  const auto score = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"eval",        run,     "--json",
                                       "--no-report", "--set", "train.threads=1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run_program(arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return json_lines(outcome.out).back();
  };
  EXPECT_DOUBLE_EQ(score({})["loss"].get<double>(), end["test_loss"].get<double>());
  EXPECT_EQ(score({})["accuracy"], end["test_accuracy"]);
  EXPECT_NE(score({"--tta", "none"})["loss"], end["test_loss"]);
  EXPECT_EQ(score({"--tta", "flip+shift"})["loss"], end["test_loss"]);
  const Json few = score({"--set", "train.tta_share=0.25"});
  EXPECT_NE(few["loss"], end["test_loss"]);
  EXPECT_NE(few["loss"], score({"--tta", "none"})["loss"]);
  EXPECT_EQ(few["samples"], 160);
}

TEST(CifarFast, LearnsWithJitterAndViewsOfTheLeastSure) {
  const TemporaryFolder folder;
  const Outcome trained = run_program(train(
      folder, {"data.augment.value_jitter={shift: 0.14, scale: 0.13}", "train.tta_share=0.25"}));
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_GT(json_lines(trained.out).back()["test_accuracy"].get<double>(), 0.5);
}

TEST(CifarFast, MuonLearnsTheSame) {
  const TemporaryFolder folder;
  const Outcome trained = run_program(
      train(folder, {"optimizer={name: muon, iterations: 3, normalise: true, momentum: 0.6, "
                     "sgd_lr_scale: 5, sgd_momentum: 0.85}",
                     "schedule={name: segments, lr: [{from: 0.24, to: 0}]}"}));
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_GT(json_lines(trained.out).back()["test_accuracy"].get<double>(), 0.5);
  const std::string run = folder / "runs/smoke-cifar-fast/1";
  const Outcome exported = run_program({"export", run, "--optimizer", "--to", folder / "o.pth"});
  EXPECT_EQ(exported.exit_code, 1);
  EXPECT_THAT(exported.err, HasSubstr("muon keeps a state that no optimizer of torch has"));
}

}  // namespace
}  // namespace onecycle::testing
