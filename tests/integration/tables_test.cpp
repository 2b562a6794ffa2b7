// Whole runs on tables, as a user starts them: a regression, labels, and classes that are weighted.

#include "core/rng.h"
#include "integration/long_run.h"
#include "support/json_lines.h"
#include "support/program.h"

#include <cmath>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Json = nlohmann::json;

// Two numbers, a category of 3 and one of 20, and whatever a task may want of them.
std::string table(std::int64_t rows, std::uint64_t seed) {
  const auto uniform = [&](std::uint64_t row, std::size_t at) {
    return random_words(seed, RandomUse::order, 0, row).word[at] / 4294967296.0;
  };
  std::ostringstream text;
  text << "size,kind,place,weight,price,large,odd,grade\n";
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto number = static_cast<std::uint64_t>(row);
    const double size = uniform(number, 0), weight = 100 * uniform(number, 1);
    const int kind = static_cast<int>(3 * uniform(number, 2));
    const int place = static_cast<int>(20 * uniform(number, 3));
    const double price = 500 + 300 * size * kind + 2 * weight + 10 * (place % 7);
    text << size << ',' << "abc"[kind] << ",\"place, " << place << "\"," << weight << ',' << price
         << ',' << (size > .5) << ',' << (place % 2) << ',' << (price > 900 ? "fine" : "usual")
         << '\n';
  }
  return text.str();
}

std::string recipe_of(const std::string& task, const std::string& target) {
  return "name: table\nseed: 3\n"
         "data:\n"
         "  format: {name: table, train: train.csv, test: test.csv, inputs: [size, kind, place, "
         "weight], target: " +
         target +
         "}\n"
         "  batch_size: 40\n"
         "  validation: 100\n"
         "task: " +
         task +
         "\n"
         "model: {name: mlp, block: residual, norm: layer, width: 16, hidden: [24], init: torch}\n"
         "optimizer: {name: adamw}\n"
         "schedule: {name: one_cycle, lr_max: 0.01}\n"
         "train: {duration: 6ep, log_every: 7, threads: 1, precision: fp32}\n"
         "output: {checkpoint_every: 11it}\n";
}

class Tables : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.write_text("train.csv", table(900, 1));
    folder_.write_text("test.csv", table(300, 2));
  }

  std::vector<std::string> command(const std::string& name, const std::string& recipe,
                                   const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{name,
                                       folder_.write_text("recipe.yaml", recipe),
                                       "--json",
                                       "--set",
                                       "output.dir=" + (folder_ / "runs"),
                                       "--set",
                                       "data.dir=" + (folder_ / "")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  Json ended(const std::vector<std::string>& arguments) {
    const Outcome outcome = run_program(arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.exit_code == 0 ? json_lines(outcome.out).back() : Json();
  }

  std::string run_folder(int number = 1) const {
    return folder_ / ("runs/table/" + std::to_string(number));
  }

  TemporaryFolder folder_;
};

const std::string kRegression = recipe_of("{name: regression}", "[price]");
const std::string kLabels = recipe_of("{name: multi_label}", "[large, odd]");
const std::string kWeighted = recipe_of("{name: classification, weights: auto}", "[grade]");

std::vector<std::vector<std::string>> cells_of(const std::string& csv) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream in(csv);
  for (std::string line; std::getline(in, line);) {
    rows.emplace_back();
    std::istringstream cells(line);
    for (std::string cell; std::getline(cells, cell, ',');) rows.back().push_back(cell);
  }
  return rows;
}

TEST_F(Tables, ValuesArePredictedAsTheRunCountedThem) {
  const Json end = ended(command("train", kRegression));
  const double rmse = end.at("test_rmse");
  EXPECT_LT(rmse, 60) << "the targets' own deviation is about 130";
  EXPECT_GT(end.at("test_r2").get<double>(), .8);

  const Json evaluated = ended({"eval", run_folder(), "--json"});
  EXPECT_NEAR(evaluated.at("rmse").get<double>(), rmse, 1e-6 * rmse);

  const Outcome told = run_program({"predict", run_folder(), folder_ / "test.csv"});
  ASSERT_EQ(told.exit_code, 0) << told.err;
  const auto predicted = cells_of(told.out);
  ASSERT_EQ(predicted.size(), 301U) << told.out.substr(0, 300);
  EXPECT_THAT(predicted[0], ::testing::Contains(HasSubstr("price")));
  const Outcome ranked = run_program({"predict", run_folder(), folder_ / "test.csv", "--top", "2"});
  EXPECT_EQ(ranked.exit_code, 2);
  EXPECT_THAT(ranked.err, HasSubstr("the network tells values"));
  const auto truth = cells_of(table(300, 2));
  double squares = 0;
  for (std::size_t row = 1; row < truth.size(); ++row) {
    // "place, 3" has a comma of its own.
    const double wanted = std::stod(truth[row][5]);
    squares += std::pow(std::stod(predicted[row].back()) - wanted, 2);
  }
  EXPECT_NEAR(std::sqrt(squares / 300), rmse, 1e-4 * rmse);
}

TEST_F(Tables, RanksTrainWhatOneDoes) {
  for (const std::string& recipe : {kRegression, kLabels, kWeighted}) {
    const Json alone = ended(command("train", recipe));
    const Json shared =
        ended(command("train", recipe, {"--ranks", "2", "--set", "data.batch_size=20"}));
    ASSERT_EQ(alone.at("steps"), shared.at("steps"));
    for (const char* split : {"train", "validation", "test"}) {
      const std::string loss = std::string(split) + "_loss";
      EXPECT_NEAR(alone.at(loss).get<double>(), shared.at(loss).get<double>(), 2e-4)
          << recipe << loss;
    }
    for (const auto& [key, value] : alone.items()) {
      if (!key.starts_with("test_") || key == "test_loss") continue;
      const bool in_units = key == "test_rmse" || key == "test_mae";
      EXPECT_NEAR(value.get<double>(), shared.at(key).get<double>(), in_units ? .1 : 4e-3)
          << recipe << key;
    }
  }
}

TEST_F(Tables, InterruptedItEndsAsIfItHadNotBeen) {
  int number = 0;
  for (const std::string& recipe : {kRegression, kLabels, kWeighted}) {
    const auto longer = command("train", recipe, {"--set", "train.duration=150ep"});
    ended(longer);
    const std::string whole = run_folder(++number);
    Program program(longer);
    ASSERT_TRUE(program.comes_to_say("\"evaluated\""));
    ::kill(program.pid(), SIGINT);
    ASSERT_EQ(program.wait().exit_code, 128 + SIGINT);
    const std::string parts = run_folder(++number);
    ended({"train", "--resume", parts, "--json"});
    EXPECT_EQ(stored_tensors(whole), stored_tensors(parts)) << recipe;
    EXPECT_EQ(rows_of(whole + "/steps.csv", 1), rows_of(parts + "/steps.csv", 1));
    EXPECT_EQ(rows_of(whole + "/metrics.csv", 2), rows_of(parts + "/metrics.csv", 2));
  }
}

TEST_F(Tables, EveryProcedureGoesByTheirMetric) {
  const Outcome range = run_program(command("range-test", kRegression));
  ASSERT_EQ(range.exit_code, 0) << range.err;
  const Json test = Json::parse(read_bytes(folder_ / "runs/table-range/1/range_test.json"));
  EXPECT_EQ(test.at("measure"), "loss");
  EXPECT_EQ(test.at("metric").at("name"), "rmse");
  EXPECT_TRUE(test.at("smoothed").at(0).at("held_out_rmse").is_number());
  EXPECT_THAT(read_bytes(folder_ / "runs/table-range/1/range_test.csv"),
              HasSubstr(",held_out_rmse\n"));
  EXPECT_GT(test.at("lr_max").get<double>(), 1e-4);

  const std::string space =
      "search:\n  method: grid\n  metric: validation_metric\n  space:\n    "
      "schedule.lr_max: [1e-7, 0.01]\n";
  const Outcome search = run_program(command("search", kRegression + space));
  ASSERT_EQ(search.exit_code, 0) << search.err;
  EXPECT_EQ(json_lines(search.out).back().at("best").at("values").at("schedule.lr_max"), 0.01)
      << search.out;
}

TEST_F(Tables, RowsThatAreNoneAreNamed) {
  ended(command("train", kRegression));
  const auto refused = [&](const std::string& csv) {
    const Outcome outcome =
        run_program({"predict", run_folder(), folder_.write_text("new.csv", csv)});
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    return outcome.err;
  };
  EXPECT_THAT(refused("size,kind,place,weight\n1,a,b\n"), HasSubstr("new.csv, line 2"));
  EXPECT_THAT(refused("size,kind,place\n1,a,b\n"), HasSubstr("weight"));
  EXPECT_THAT(refused("size,kind,place,weight\n1,a,b,much\n"), HasSubstr("much"));
  // A category that the training lacks is one of its own.
  const Outcome unseen =
      run_program({"predict", run_folder(),
                   folder_.write_text("new.csv", "weight,size,place,kind\n50,.5,elsewhere,z\n")});
  EXPECT_EQ(unseen.exit_code, 0) << unseen.err;
}

}  // namespace
}  // namespace onecycle::testing
