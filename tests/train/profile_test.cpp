// Where a step's time goes.

#include "train/profile/profile.h"

#include "support/temporary_folder.h"
#include "train/profile/profile_table.h"
#include "train/support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

namespace onecycle {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;

TEST(ProfileTable, ATimeBelongsToTheInnermost) {
  const auto rows = self_times({{"step", 0, 100},
                                {"linear", 10, 40},
                                {"matmul", 20, 25},
                                {"linear", 50, 30},  // begins where the other one ends
                                {"copy", 110, 5}});
  std::vector<std::string> texts;
  for (const ProfileRow& row : rows)
    texts.push_back(row.name + ' ' + std::to_string(row.calls) + ' ' + std::to_string(row.whole) +
                    ' ' + std::to_string(row.self));
  EXPECT_THAT(texts,
              ElementsAre("linear 2 70 45", "step 1 100 30", "matmul 1 25 25", "copy 1 5 5"));
}

// The shares of each list of the text.
std::vector<double> sums_of_shares(const std::string& text) {
  std::vector<double> sums;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with("share")) sums.push_back(0);
    if (line.ends_with(" %")) sums.back() += std::stod(line.substr(line.size() - 8));
  }
  return sums;
}

TEST(ProfileTable, SharesAddUpWithMoreRowsThanAreShown) {
  StepProfile profile;
  profile.steps = 2;
  profile.duration = 40000;
  for (int i = 0; i < 30; ++i) profile.rows.push_back({"op" + std::to_string(i), 1, 1000, 1000});
  const std::string text = text_of(profile);
  EXPECT_THAT(text, HasSubstr("10 others"));
  const std::vector<double> sums = sums_of_shares(text);
  ASSERT_EQ(sums.size(), 2u);
  for (const double sum : sums) EXPECT_NEAR(sum, 100, 0.5);
}

TEST(Profile, OfARunIsATraceAndATable) {
  const TemporaryFolder folder;
  auto run = tiny_run({"train.duration=30it", "model={name: resnet8, width: 4}"});
  std::string said;
  Profile profile(folder.path(), 7, false, [&](const std::string& text) { said += text; });
  Trainer trainer(run);
  trainer.observe(profile);
  EXPECT_EQ(trainer.fit().steps, 30);

  const auto trace = nlohmann::json::parse(read_bytes(folder / "profile.json"));
  std::multiset<std::string> names;
  for (const auto& event : trace.at("traceEvents")) names.insert(event.value("name", ""));
  EXPECT_THAT(names, IsSupersetOf({"onecycle::data", "onecycle::forward", "onecycle::backward",
                                   "onecycle::metrics", "onecycle::update", "aten::convolution"}));
  EXPECT_EQ(names.count("onecycle::update"), 7u);

  EXPECT_EQ(said, read_bytes(folder / "profile.txt"));
  EXPECT_THAT(said, HasSubstr("profile    7 steps after 10;"));
  const std::vector<double> sums = sums_of_shares(said);
  ASSERT_EQ(sums.size(), 2u);
  for (const double sum : sums) EXPECT_NEAR(sum, 100, 1.5);  // 20 rounded rows
}

TEST(Profile, OfAShortRunIsOfItsSecondHalf) {
  for (const auto& [duration, expected] :
       {std::pair("1it", "1 steps after 0;"), std::pair("6it", "3 steps after 3;")}) {
    const TemporaryFolder folder;
    auto run = tiny_run({std::string("train.duration=") + duration});
    std::string said;
    Profile profile(folder.path(), 50, false, [&](const std::string& text) { said += text; });
    Trainer trainer(run);
    trainer.observe(profile);
    trainer.fit();
    EXPECT_THAT(said, HasSubstr(expected));
  }
}

}  // namespace
}  // namespace onecycle
