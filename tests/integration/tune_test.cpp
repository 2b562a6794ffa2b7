// `onecycle tune` as a user runs it: killed at any moment it ends with the same recipe, and its
// page tells the choices.

#include "core/rng.h"
#include "support/comes_true.h"
#include "support/program.h"

#include <chrono>
#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <thread>

namespace onecycle::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::json;

constexpr const char* kRecipe = R"(name: small
seed: 3
data:
  format: {name: synthetic, train: 6400, test: 300, height: 8, width: 8, noise: 0.6}
  batch_size: BATCH
  validation: 400
model: {name: mlp, hidden: [128]}
optimizer: {name: sgd, weight_decay_mode: l2}
schedule: {name: one_cycle, lr_max: 0.01, momentum_max: 0.95, momentum_min: 0.85}
train: {duration: 4ep, threads: 1, precision: fp32, device: cpu}
)";

class Tune : public ::testing::Test {
 protected:
  std::string recipe_with(const std::string& batch) const {
    std::string text = kRecipe;
    text.replace(text.find("BATCH"), 5, batch);
    folder_.write_text("small.yaml", text);
    return folder_ / "small.yaml";
  }
  std::vector<std::string> tune(const std::string& recipe, const std::string& name,
                                const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"tune", recipe, "--set",
                                          "output.dir=" + (folder_ / name)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  TemporaryFolder folder_;
};

TEST_F(Tune, KilledAtAnyMomentItEndsWithTheSameRecipe) {
  const std::string recipe = recipe_with("32");
  const Outcome whole = run_program(tune(recipe, "whole", {"--json"}));
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  const Json last = Json::parse(whole.last_line());
  EXPECT_EQ(last["event"], "tuned");
  const std::string tuned = read_bytes(last["recipe"].get<std::string>());

  // Moments spread over all stages; each session gets farther than the one before.
  const auto results_in = [&](const std::string& name) -> std::size_t {
    const Json cache =
        Json::parse(read_bytes(folder_ / (name + "/small-tune/1/tune.json")), nullptr,
                    /*allow_exceptions=*/false);
    return cache.is_object() ? cache["results"].size() : 0;
  };
  const std::size_t results = results_in("whole");
  EXPECT_GE(results, 6U);
  for (std::size_t moment = 1; moment <= 5; ++moment) {
    Program program(
        tune(recipe, "killed",
             moment > 1 ? std::vector<std::string>{"--resume"} : std::vector<std::string>{}));
    EXPECT_TRUE(comes_true([&] { return results_in("killed") >= moment * results / 6; }));
    const auto words = random_words(7, RandomUse::order, 0, moment);
    std::this_thread::sleep_for(std::chrono::milliseconds(bounded(words.word[0], 40)));
    ::kill(program.pid(), SIGKILL);
    EXPECT_EQ(program.wait().exit_code, 128 + SIGKILL) << "it was over before";
  }
  const Outcome resumed = run_program(tune(recipe, "killed", {"--resume", "--json"}));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(read_bytes(folder_ / "killed/small-tune/1/tuned.yaml"),
            [&] {  // but for where its runs go
              std::string text = tuned;
              const std::size_t at = text.find((folder_ / "whole").c_str());
              return text.replace(at, (folder_ / "whole").size(), folder_ / "killed");
            }());
}

TEST_F(Tune, ThePageTellsTheChoices) {
  const Outcome outcome = run_program(tune(recipe_with("32"), "runs", {"--seeds", "1", "--json"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::string page =
      read_bytes(Json::parse(outcome.last_line())["report"].get<std::string>());
  EXPECT_THAT(page,
              AllOf(HasSubstr("What was chosen"), HasSubstr("<figure id=\"trials-weight-decay"),
                    HasSubstr("<figure id=\"range-held-out-accuracy\">"),
                    HasSubstr("<figure id=\"final-loss\">"), HasSubstr("lr_max, confirmed")));
}

TEST_F(Tune, AutoFitsTheBatchFirstAndOnce) {
  const std::string recipe = recipe_with("auto");
  const Outcome outcome = run_program(
      tune(recipe, "runs", {"--seeds", "1", "--no-train", "--budget", "1ep", "--json"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json first = Json::parse(outcome.last_line())["choices"][0];
  EXPECT_EQ(first["what"], "batch size");
  EXPECT_THAT(first["evidence"].get<std::string>(), HasSubstr("samples/s"));
  const std::string tuned = read_bytes(folder_ / "runs/small-tune/1/tuned.yaml");
  EXPECT_THAT(tuned, HasSubstr("batch_size: " + first["value"].get<std::string>()));
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("trial 1 of at most "), HasSubstr("range-test"),
                                 HasSubstr("changed    schedule.lr_max: 0.01 -> ")));
  const Outcome again = run_program(
      tune(recipe, "runs", {"--resume", "--seeds", "1", "--no-train", "--budget", "1ep"}));
  EXPECT_EQ(again.out.find("fitted to memory"), std::string::npos) << again.out;
}

TEST_F(Tune, AutoWhereNothingFitsItIsOneClearLine) {
  const Outcome outcome = run_program({"schedule", recipe_with("auto")});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("data.batch_size: auto is fitted by train"));
  EXPECT_EQ(run_program({"check", recipe_with("auto")}).exit_code, 0);
}

}  // namespace
}  // namespace onecycle::testing
