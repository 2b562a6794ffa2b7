#pragma once

#include "support/comes_true.h"
#include "support/json_lines.h"
#include "support/places.h"
#include "support/program.h"

#include <gtest/gtest.h>
#include <limits>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

// Programs that train one run as several ranks.
namespace onecycle::testing {

using Json = nlohmann::json;

inline constexpr const char* kRecipe = R"(name: shared
seed: 3
data:
  format: {name: synthetic, train: 1000, test: 130, noise: 0.3}
  batch_size: 16
  validation: 100
  augment: [{pad_crop: 2}, flip]
model: {name: mlp, hidden: [16]}
schedule: {name: one_cycle, lr_max: 0.1}
train: {duration: 4ep, log_every: 7, threads: 1}
output: {checkpoint_every: 11it}
)";

class Ranks : public ::testing::Test {
 protected:
  std::vector<std::string> command(const std::string& name,
                                   const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{name, recipe_, "--json", "--set",
                                       "output.dir=" + (folder_ / "runs")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  std::vector<std::string> on_ranks(const std::string& ranks, const std::string& batch,
                                    const std::vector<std::string>& more = {}) const {
    auto arguments = command("train", {"--ranks", ranks, "--set", "data.batch_size=" + batch});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  static Json end_of(const Outcome& outcome) {
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.out.empty() ? Json() : Json::parse(outcome.last_line());
  }

  static void expect_same_run(const Json& a, const Json& b) {
    for (const char* key : {"train_loss", "validation_loss", "test_loss"})
      EXPECT_NEAR(a.at(key).get<double>(), b.at(key).get<double>(), 1e-5) << key;
    EXPECT_EQ(a.at("steps"), b.at("steps"));
  }

  // Waits until it has evaluated something, and returns the ranks' processes.
  static std::vector<pid_t> ranks_of(const Program& program, std::size_t count) {
    std::vector<pid_t> pids;
    const bool all = comes_true([&] {
      pids.clear();
      const std::string said = program.err_so_far();
      const std::regex pattern("rank \\d+ is process (\\d+)");
      for (std::sregex_iterator one(said.begin(), said.end(), pattern), end; one != end; ++one)
        pids.push_back(std::stoi((*one)[1]));
      return pids.size() >= count &&
             program.out_so_far().find("\"evaluated\"") != std::string::npos;
    });
    EXPECT_TRUE(all) << "no rank came to work: " << program.err_so_far();
    if (!all) return std::vector<pid_t>(count, std::numeric_limits<pid_t>::max());  // none's
    return {pids.end() - static_cast<std::ptrdiff_t>(count), pids.end()};
  }

  static int lines_with(const std::string& text, const std::string& part) {
    int count = 0;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) count += line.find(part) != std::string::npos;
    return count;
  }

  TemporaryFolder folder_;
  std::string recipe_ = folder_.write_text("recipe.yaml", kRecipe);
};

}  // namespace onecycle::testing
