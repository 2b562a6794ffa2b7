// Folders, studies and names that others made: refused in one line or shown as they are, and
// nothing of the user's is written to, crashed or given away.

#include "support/environment.h"
#include "support/program.h"

#include <algorithm>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>

namespace onecycle::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

constexpr const char* kRecipe = R"(name: small
data: {format: {name: synthetic, train: 200, test: 50}, batch_size: 20, validation: 40}
model: {name: mlp, hidden: [8]}
schedule: {name: one_cycle, lr_max: 0.1}
train: {duration: 2ep, threads: 1}
)";
constexpr const char* kSpace =
    "search: {method: random, trials: 2, space: {schedule.lr_max: {log_uniform: [0.01, 1]}}}\n";

class Strangers : public ::testing::Test {
 protected:
  std::string train(const std::string& recipe = kRecipe) const {
    const Outcome outcome = run_program({"train", folder_.write_text("recipe.yaml", recipe), "-q",
                                         "--set", "output.dir=" + (folder_ / "runs")});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return folder_ / "runs/small/1";
  }

  static std::string one_line(const Outcome& outcome, int exit_code) {
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    return outcome.err;
  }

  // The files under the run whose bytes hold the text.
  std::vector<std::string> holding(const std::string& text) const {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "runs"))
      if (entry.is_regular_file() &&
          read_bytes(entry.path().string()).find(text) != std::string::npos)
        found.push_back(entry.path().string());
    return found;
  }

  TemporaryFolder folder_;
};

void edit(const std::string& study, const std::string& sql) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open((study + "/study.db").c_str(), &database), SQLITE_OK);
  char* why = nullptr;
  ASSERT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &why), SQLITE_OK) << why;
  sqlite3_close(database);
}

TEST_F(Strangers, AStudyThatWasEditedNamesTheTrial) {
  const std::string recipe = folder_.write_text("recipe.yaml", kRecipe);
  const Outcome made =
      run_program({"search", recipe, "--space", folder_.write_text("space.yaml", kSpace), "-q",
                   "--set", "output.dir=" + (folder_ / "runs")});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const std::string sound = folder_ / "runs/small-search/1";
  ASSERT_EQ(run_program({"search", "--resume", sound, "-q"}).exit_code, 0);

  int number = 0;
  for (const char* sql :
       {"UPDATE trials SET setting = 99 WHERE number = 2",
        "UPDATE trials SET setting = -1 WHERE number = 2",
        "UPDATE trials SET setting = 'x' WHERE number = 2",
        "UPDATE trials SET rung = 1000000 WHERE number = 2",
        "UPDATE trials SET share = 'half' WHERE number = 2",
        "UPDATE trials SET metric = 9e999 WHERE number = 2",
        "UPDATE trials SET metric = NULL WHERE number = 2",
        "UPDATE trials SET \"values\" = '{\"data.dir\":\"/\"}' WHERE number = 2",
        "UPDATE trials SET state = 'waiting' WHERE number = 2",
        "PRAGMA ignore_check_constraints = ON; UPDATE trials SET state = 'x' WHERE number = 2",
        "DELETE FROM trials WHERE number = 2", "UPDATE trials SET number = 7 WHERE number = 2"}) {
    SCOPED_TRACE(sql);
    const std::string study = folder_ / ("edited/" + std::to_string(++number));
    fs::create_directories(folder_ / "edited");
    fs::copy(sound, study, fs::copy_options::recursive);
    edit(study, sql);
    EXPECT_THAT(one_line(run_program({"search", "--resume", study, "-q"}), 1),
                AllOf(HasSubstr(study + "/study.db: trial 2: "), HasSubstr("start a new search")));
  }
  edit(sound, "DELETE FROM trials");
  EXPECT_THAT(one_line(run_program({"search", "--resume", sound, "-q"}), 1),
              HasSubstr("trial 1: its row is missing"));
}

TEST_F(Strangers, AReportIsMadeOfAnyNumbers) {
  const std::string run = folder_ / "run";
  folder_.write_text("run/recipe.yaml", "name: x\nschedule: {name: one_cycle, lr_max: 0.1}\n");
  const std::string head = "step,epoch,lr,train_loss,validation_loss,validation_accuracy\n";
  const auto rows = [](const std::string& row, int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += row;
    return text;
  };
  for (const std::string& text :
       {head + rows("9,1,0.1,2,1.9,0.4\n", 2), head + rows("9,1,0.1,2,1.9,0.4\n", 9),
        head + rows("9,nan,0.1,2,1.9,0.4\n", 9), head + rows("9,,0.1,2,1.9,0.4\n", 9),
        head + rows("9,1e308,1e308,1e308,1e308,1e308\n9,-1e308,-1e308,-1e308,-1e308,7\n", 9),
        head + rows("9,1e-320,1e-320,1e-320,1e-320,1e-320\n8,0,0,0,0,0\n", 5),
        head + rows("9,inf,inf,nan,nan,nan\n", 5), head + rows("9,1,0.1\n9,1,0.1,2,1.9,0.4\n", 5),
        std::string("validation_loss\n") + rows("1\n", 9), head + rows(",,,,,\n", 9),
        head + "\"9,1,0.1\n", std::string("\n\n\n"), std::string(1000, ',') + "\n"}) {
    SCOPED_TRACE(text.substr(0, 100));
    folder_.write_text("run/metrics.csv", text);
    folder_.write_text("run/steps.csv", text);
    const Outcome outcome = run_program({"report", run, "-q"});
    EXPECT_TRUE(outcome.exit_code == 0 || outcome.exit_code == 1) << outcome.exit_code;
    if (outcome.exit_code == 1) {
      EXPECT_THAT(outcome.err, HasSubstr("nothing to plot"));
    }
  }
}

TEST_F(Strangers, LinksOutOfARunsFolderAreNotFollowed) {
  const std::string sound = train();
  const std::string outside = folder_.write_text("precious", "untouched\n");
  fs::create_directories(folder_ / "elsewhere");
  const std::pair<const char*, std::string> cases[] = {{"metrics.csv", outside},
                                                       {"steps.csv", outside},
                                                       {"events.csv", outside},
                                                       {"recipe.yaml", folder_ / "recipe.yaml"},
                                                       {"report.html", outside},
                                                       {"report", folder_ / "elsewhere"},
                                                       {"checkpoints", folder_ / "elsewhere"},
                                                       {".lock", folder_ / "new"},
                                                       {"checkpoints/last.safetensors", outside}};
  for (const auto& [name, target] : cases) {
    SCOPED_TRACE(name);
    const std::string run = folder_ / "copy";
    fs::remove_all(run);
    fs::copy(sound, run, fs::copy_options::recursive);
    fs::remove_all(run + "/" + name);
    fs::create_symlink(target, run + "/" + name);
    for (const auto& command : {std::vector<std::string>{"train", "--resume", run, "-q"},
                                std::vector<std::string>{"report", run, "-q"}})
      EXPECT_THAT(one_line(run_program(command), 1),
                  AllOf(HasSubstr(run + "/" + name), HasSubstr("symbolic link")));
    EXPECT_EQ(read_bytes(outside), "untouched\n");
    EXPECT_TRUE(fs::is_empty(folder_ / "elsewhere"));
    EXPECT_FALSE(fs::exists(folder_ / "new"));
  }
  // The run's own name for another place, and links that stay inside, are nobody's trap.
  fs::create_symlink(sound, folder_ / "latest");
  fs::create_symlink("metrics.csv", sound + "/same.csv");
  EXPECT_EQ(run_program({"train", "--resume", folder_ / "latest", "-q"}).exit_code, 0);
  EXPECT_EQ(run_program({"report", folder_ / "latest", "-q"}).exit_code, 0);
}

TEST_F(Strangers, ATuningLeadsAReportToNoOtherFolder) {
  const std::string run = train();
  folder_.write_text("tuning/tuning.json",
                     R"({"kind": "tuning", "name": "t", "final": "../runs/small/1",
                         "choices": [{"what": "w", "trials": [{"label": "a", "loss": 1}]}]})");
  EXPECT_EQ(run_program({"report", folder_ / "tuning", "-q"}).exit_code, 0);
  EXPECT_THAT(read_bytes(folder_ / "tuning/report.html"), Not(HasSubstr("Final run")));
  folder_.write_text("tuning/tuning.json", std::string(200'000, '['));
  EXPECT_THAT(one_line(run_program({"report", folder_ / "tuning", "-q"}), 1),
              HasSubstr("tuning.json"));
}

TEST_F(Strangers, ValuesOfTheEnvironmentAreNotWrittenDown) {
  const std::string path = folder_.write_text("recipe.yaml", R"(name: small
data:
  dir: "${ONECYCLE_TEST_TOKEN}"
  format: {name: synthetic, train: 200, test: 50}
  batch_size: 20
  validation: 40
model: {name: mlp, hidden: ["${ONECYCLE_TEST_WIDTH}", 8]}
schedule: {name: one_cycle, lr_max: 0.1}
train: {duration: 2ep, threads: 1}
)");
  const std::string space = folder_.write_text(
      "space.yaml", "search: {method: grid, space: {data.dir: ['${ONECYCLE_TEST_TOKEN}', b]}}\n");
  const std::string to = "output.dir=" + (folder_ / "runs");
  const std::string run = folder_ / "runs/small/1";
  const std::string study = folder_ / "runs/small-search/1";
  {
    const Environment set({{"ONECYCLE_TEST_TOKEN", "5ecret"}, {"ONECYCLE_TEST_WIDTH", "13"}});
    const Outcome trained = run_program({"train", path, "-q", "--set", to});
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
    for (const auto& command :
         {std::vector<std::string>{"train", "--resume", run},
          {"eval", run, "-q"},
          {"search", path, "--space", space, "--set", to},
          {"search", "--resume", study},
          {"search", path, study, "--space", space, "--set", to, "--resume"}}) {
      const Outcome outcome = run_program(command);
      EXPECT_EQ(outcome.exit_code, 0) << command[0] << ": " << outcome.err;
      EXPECT_EQ(outcome.err, "") << command[0];
      EXPECT_THAT(outcome.out, Not(HasSubstr("5ecret"))) << command[0];
    }
    EXPECT_THAT(run_program({"check", path, "--resolved"}).out,
                AllOf(HasSubstr("${ONECYCLE_TEST_WIDTH}"), Not(HasSubstr("5ecret"))));
  }
  for (const std::string& file : holding("5ecret")) ADD_FAILURE() << file << " holds it";
  EXPECT_THAT(read_bytes(run + "/recipe.yaml"),
              AllOf(HasSubstr("dir: ${ONECYCLE_TEST_TOKEN}"), HasSubstr("${ONECYCLE_TEST_WIDTH}")));
  EXPECT_THAT(one_line(run_program({"train", "--resume", run, "-q"}), 2),
              HasSubstr("the environment variable ONECYCLE_TEST_TOKEN is not set"));

  const Environment other({{"ONECYCLE_TEST_TOKEN", "c"}, {"ONECYCLE_TEST_WIDTH", "not-a-5ecret"}});
  EXPECT_THAT(one_line(run_program({"train", "--resume", run, "-q"}), 2),
              AllOf(HasSubstr("model.hidden"), Not(HasSubstr("5ecret"))));
  ::setenv("ONECYCLE_TEST_WIDTH", "13", 1);
  EXPECT_EQ(run_program({"train", "--resume", run}).err, "") << "another place of the data";
  ::setenv("ONECYCLE_TEST_WIDTH", "14", 1);
  EXPECT_THAT(run_program({"train", "--resume", run}).err,
              HasSubstr("${ONECYCLE_TEST_WIDTH}: not what the environment gave"));
  EXPECT_THAT(
      one_line(run_program({"search", "--resume", study}), 2),
      HasSubstr("${ONECYCLE_TEST_WIDTH}: not what the environment gave when the study was"));
}

TEST_F(Strangers, AReportAsksTheEnvironmentForNothing) {
  const Environment set({{"ONECYCLE_TEST_TOKEN", "5ecret"}, {"ONECYCLE_TEST_WIDTH", "1"}});
  folder_.write_text("run/recipe.yaml", "name: 'a-${ONECYCLE_TEST_TOKEN}'\n");
  folder_.write_text("run/metrics.csv", "step,epoch,train_loss\n1,1,2\n");
  EXPECT_EQ(run_program({"report", folder_ / "run", "-q"}).exit_code, 0);
  EXPECT_THAT(read_bytes(folder_ / "run/report.html"), Not(HasSubstr("5ecret")));
}

TEST_F(Strangers, NamesSteerNoTerminal) {
  const std::string name = "evil\x1b[2J\xe2\x80\xaegpj.yaml";
  const Outcome outcome = run_program({"check", folder_.write_text(name, "nothing: 1\n")});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("evil\\x1b[2J\\u202egpj.yaml"));
  const Outcome missing = run_program({"report", folder_ / name});
  EXPECT_THAT(missing.err, HasSubstr("evil\\x1b[2J\\u202egpj.yaml"));
  const Outcome sound = run_program({"check", folder_.write_text("größe.yaml", kRecipe)});
  EXPECT_THAT(sound.out, HasSubstr("größe.yaml: ok")) << "other letters stay";
}

}  // namespace
}  // namespace onecycle::testing
