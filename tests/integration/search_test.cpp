// Searches as a user runs them: killed, interrupted, in parallel, with bad spaces.

#include "core/rng.h"
#include "support/comes_true.h"
#include "support/file_size_limit.h"
#include "support/program.h"

#include <algorithm>
#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

namespace onecycle::testing {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

constexpr const char* kRecipe = R"(name: small
seed: 3
data: {format: {name: synthetic, train: 1000, test: 130, noise: 0.5}, batch_size: 50, validation: 100}
model: {name: mlp, hidden: [16]}
schedule: {name: one_cycle, lr_max: 0.1}
train: {duration: 2ep, log_every: 5, threads: 1}
)";

constexpr const char* kSpace = R"(search:
  method: random
  trials: 30
  metric: validation_loss
  space:
    schedule.lr_max: {log_uniform: [0.001, 1]}
    optimizer.weight_decay: [1e-3, 1e-4, 0]
)";

// The rows of trials.csv as number, rung, share, state, values, metric and scores: all but what is
// measured in seconds, and the reason.
std::vector<std::string> rows_of(const std::string& study) {
  constexpr int kCompared = 11;
  std::vector<std::string> rows;
  std::istringstream in(read_bytes(study + "/trials.csv"));
  for (std::string line; std::getline(in, line);) {
    std::size_t end = 0;
    for (int cell = 0; cell < kCompared && end != std::string::npos; ++cell)
      end = line.find(',', end + 1);
    rows.push_back(line.substr(0, end));
  }
  return rows;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

class Search : public ::testing::Test {
 protected:
  std::vector<std::string> search(const std::string& space,
                                  const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"search",  recipe_,
                                       "--space", folder_.write_text("space.yaml", space),
                                       "--set",   "output.dir=" + (folder_ / "runs")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  std::string study(int number = 1) const {
    return folder_ / ("runs/small-search/" + std::to_string(number));
  }
  static std::size_t done(const std::string& study) {
    const auto rows = rows_of(study);
    return static_cast<std::size_t>(std::count_if(rows.begin(), rows.end(), [](const auto& row) {
      return row.find(",done,") != std::string::npos;
    }));
  }

  TemporaryFolder folder_;
  std::string recipe_ = folder_.write_text("recipe.yaml", kRecipe);
};

TEST_F(Search, KilledAtAnyMomentItEndsWithTheSameTrialsEachOnce) {
  const std::vector<std::string> longer = {"--set", "train.duration=60ep"};
  auto undisturbed = longer;
  undisturbed.insert(undisturbed.end(), {"--jobs", "2"});
  const Outcome whole = run_program(search(kSpace, undisturbed));
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  std::vector<std::string> arguments = search(kSpace, longer);
  for (std::size_t kill = 1; kill <= 5; ++kill) {
    Program program(arguments);
    EXPECT_TRUE(comes_true([&] { return done(study(2)) >= 3 * kill; }));
    const auto words = random_words(7, RandomUse::order, 0, kill);
    std::this_thread::sleep_for(std::chrono::milliseconds(bounded(words.word[0], 80)));
    ::kill(program.pid(), SIGKILL);
    EXPECT_EQ(program.wait().exit_code, 128 + SIGKILL) << "it was over before";
    arguments = {"search", "--resume", study(2)};
  }
  arguments.emplace_back("--json");
  const Outcome last = run_program(arguments);
  ASSERT_EQ(last.exit_code, 0) << last.err;
  EXPECT_EQ(Json::parse(last.last_line())["trials"], 30);
  EXPECT_EQ(rows_of(study(2)), rows_of(study(1))) << "the values and the scores to the last digit";
  const auto rows = rows_of(study(2));
  EXPECT_EQ(std::set<std::string>(rows.begin(), rows.end()).size(), 31U);
  for (int trial = 1; trial <= 30; ++trial) {
    const std::string events =
        read_bytes(study(2) + "/trials/" + std::to_string(trial) + "/events.csv");
    const std::size_t started = events.find(",started,");
    EXPECT_NE(started, std::string::npos);
    EXPECT_EQ(events.find(",started,", started + 1), std::string::npos) << events;
  }
}

TEST_F(Search, TwoJobsGiveWhatOneGives) {
  const std::vector<std::string> halving = {"--set", "search.method=halving", "--set",
                                            "search.trials=9"};
  ASSERT_EQ(run_program(search(kSpace, halving)).exit_code, 0);
  auto both = halving;
  both.insert(both.end(), {"--jobs", "2", "--write", folder_ / "tuned.yaml"});
  ASSERT_EQ(run_program(search(kSpace, both)).exit_code, 0);
  EXPECT_EQ(rows_of(study(1)), rows_of(study(2)));
  EXPECT_EQ(read_bytes(study(1) + "/best.yaml"), read_bytes(folder_ / "tuned.yaml"));
  EXPECT_EQ(run_program({"check", folder_ / "tuned.yaml"}).exit_code, 0);
  EXPECT_TRUE(std::filesystem::exists(study(1) + "/trials/1/checkpoints/last.safetensors"));
}

TEST_F(Search, ATrialThatFailsIsARow) {
  const Outcome outcome = run_program(search(
      "search: {method: grid, space: {schedule.lr_max: [0.1, 1e30], data.batch_size: [50, 901]}}",
      {"--json"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("2 x 2 = 4 trials"));
  const auto rows = rows_of(study());
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_THAT(rows[1], HasSubstr("1,0,1,done,0.1,50,"));
  EXPECT_THAT(rows[2], HasSubstr("2,0,1,failed,0.1,901,"));
  EXPECT_THAT(rows[3], HasSubstr("3,0,1,diverged,1e30,50,"));
  EXPECT_THAT(read_bytes(study() + "/trials.csv"), HasSubstr("901 is more than the 900 samples"));
  const Json best = Json::parse(outcome.last_line())["best"];
  EXPECT_EQ(best["number"], 1);
  EXPECT_EQ(best["values"]["schedule.lr_max"], 0.1);
  const Outcome hopeless =
      run_program(search("search: {method: grid, space: {schedule.lr_max: [1e30, 1e31]}}"));
  EXPECT_EQ(hopeless.exit_code, 3);
  EXPECT_THAT(hopeless.err, HasSubstr("none of 2 trials"));
}

TEST_F(Search, AFullDiskFailsNoTrial) {
  const std::string grid =
      "search: {method: grid, space: {schedule.lr_max: [0.1, 0.05], data.batch_size: [50, 901]}}";
  Outcome full;
  {
    const FileSizeLimit limit(300'000);  // studies fit, checkpoints do not
    full = run_program(search(grid, {"--set", "model.hidden=[256]"}));
  }
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_THAT(full.err,
              ::testing::AllOf(HasSubstr("checkpoints/step-"), HasSubstr("File too large"),
                               HasSubstr("onecycle search --resume " + study())));
  EXPECT_EQ(std::count(full.err.begin(), full.err.end(), '\n'), 1) << full.err;
  const Outcome resumed = run_program({"search", "--resume", study()});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  const auto rows = rows_of(study());
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_THAT(rows[1], HasSubstr("1,0,1,done,"));
  EXPECT_THAT(rows[2], HasSubstr("2,0,1,failed,")) << "by its own values";
  EXPECT_THAT(rows[3], HasSubstr("3,0,1,done,"));
}

TEST_F(Search, InterruptedItGoesOnAsTheSameStudy) {
  Program program(search(kSpace, {"--set", "train.duration=20ep"}));
  EXPECT_TRUE(comes_true([&] { return std::filesystem::exists(study() + "/trials.csv"); }));
  ::kill(program.pid(), SIGTERM);
  const Outcome outcome = program.wait();
  EXPECT_EQ(outcome.exit_code, 143) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("onecycle search --resume " + study()));
  const Outcome other = run_program(search(kSpace, {"--resume", "--set", "search.seed=2"}));
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("train.duration: 20ep -> 2ep; search.seed: 1 -> 2"));
  const std::size_t before = done(study());
  Program again(search(kSpace, {"--resume", study(), "--set", "train.duration=20ep"}));
  EXPECT_TRUE(comes_true([&] { return done(study()) > before; }));
  ::kill(again.pid(), SIGINT);
  EXPECT_EQ(again.wait().exit_code, 130);
}

TEST_F(Search, AWorkerThatIsKilledIsReplaced) {
  Program program(search(kSpace, {"--set", "train.duration=10ep", "--set", "search.trials=6"}));
  const std::string parent = std::to_string(program.pid());
  pid_t worker = 0;
  ASSERT_TRUE(comes_true([&] {
    std::ifstream children("/proc/" + parent + "/task/" + parent + "/children");
    return std::filesystem::exists(study() + "/trials.csv") && children >> worker;
  }));
  ::kill(worker, SIGKILL);
  const Outcome outcome = program.wait();
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(rows_of(study()).size(), 7U);
  EXPECT_TRUE(std::filesystem::exists(study() + "/workers/2.lock"));
  EXPECT_EQ(read_bytes(study() + "/trials.csv").find(",failed,"), std::string::npos);
}

TEST_F(Search, BadSpacesAreOneClearLine) {
  const std::pair<const char*, const char*> cases[] = {
      {"search: {space: {schedule.lrmax: [1]}}", "space.yaml:1:18: schedule.lrmax: unknown key"},
      {"search: {space: {schedule.lr_max: {log: [1, 2]}}}", "space.yaml:1:36: "},
      {"search: {space: {schedule.lr_max: [-1]}}", "must be more than 0"},
      {"search: {metric: test_loss, space: {seed: [1, 2]}}", "validation_accuracy"},
      {"search: {space: {output.dir: [a]}}", "cannot be searched"},
      {"serach: {space: {seed: [1, 2]}}", "space.yaml:1:1: serach: unknown key"},
  };
  for (const auto& [space, message] : cases) {
    const Outcome outcome = run_program(search(space));
    EXPECT_EQ(outcome.exit_code, 2) << space;
    EXPECT_THAT(outcome.err, HasSubstr(message));
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "runs")) << "nothing was trained";
  const Outcome absent = run_program({"search", recipe_});
  EXPECT_EQ(absent.exit_code, 2);
  EXPECT_THAT(first_line(absent.err), HasSubstr("--space"));
  const std::string no_data =
      "data.format={name: idx, train_images: x, train_labels: x, "
      "test_images: x, test_labels: x}";
  const Outcome data = run_program(search(kSpace, {"--set", no_data, "--jobs", "2"}));
  EXPECT_NE(data.exit_code, 0);
  EXPECT_EQ(std::count(data.err.begin(), data.err.end(), '\n'), 1) << data.err;
}

}  // namespace
}  // namespace onecycle::testing
