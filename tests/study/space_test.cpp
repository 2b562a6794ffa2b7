// Which trials a search has: bounds, distributions, distinctness, order.

#include "onecycle/error.h"

#include "search_support.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

namespace onecycle::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kMixed = R"(
method: random
trials: 1001
seed: 5
space:
  schedule.lr_max: {log_uniform: [0.01, 1]}
  optimizer.momentum: {uniform: [0.5, 0.75]}
  data.batch_size: {int: [3, 9]}
  model.name: {choice: [mlp, cnn3]}
)";

std::vector<double> column(const std::vector<Setting>& settings, std::size_t axis) {
  std::vector<double> values;
  values.reserve(settings.size());
  for (const Setting& setting : settings) values.push_back(std::stod(setting[axis].text));
  return values;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::set<std::string> distinct(const std::vector<Setting>& settings) {
  std::set<std::string> seen;
  for (const Setting& setting : settings) seen.insert(text_of(setting));
  return seen;
}

TEST(Space, DrawsStayInTheirBoundsAndNeverRepeatOnAContinuousAxis) {
  const auto settings = settings_of(search_of(kMixed));
  ASSERT_EQ(settings.size(), 1001U);
  const double low[] = {0.01, 0.5, 3};
  const double high[] = {1, 0.75, 9};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const auto values = column(settings, axis);
    EXPECT_GE(*std::min_element(values.begin(), values.end()), low[axis]);
    EXPECT_LE(*std::max_element(values.begin(), values.end()), high[axis]);
    const std::set<double> seen(values.begin(), values.end());
    EXPECT_EQ(seen.size(), axis < 2 ? 1001U : 7U);
  }
}

TEST(Space, LogUniformHasItsMedianInTheMiddleOfTheOrdersOfMagnitude) {
  const auto settings = settings_of(search_of(kMixed));
  // Half of [0.01, 1] in orders of magnitude; the median of 1001 draws is within 3 deviations of
  // 0.0158 of the unit interval.
  EXPECT_NEAR(std::log10(median(column(settings, 0))), -1, 2 * 3 * 0.0158);
  EXPECT_NEAR(median(column(settings, 1)), 0.625, 0.25 * 3 * 0.0158);
  const auto mlps = std::count_if(settings.begin(), settings.end(),
                                  [](const Setting& setting) { return setting[3].text == "mlp"; });
  EXPECT_NEAR(static_cast<double>(mlps), 500.5, 50);
}

TEST(Space, ATrialIsAFunctionOfSeedNumberAndKey) {
  const auto all = settings_of(search_of(kMixed));
  EXPECT_EQ(distinct(settings_of(search_of(kMixed))), distinct(all));
  auto fewer = search_of(kMixed);
  fewer.trials = 10;
  fewer.space.axes.erase(fewer.space.axes.begin() + 1);
  const auto first = settings_of(fewer);
  for (std::size_t i = 0; i < first.size(); ++i)
    EXPECT_EQ(first[i][0].text, all[i][0].text) << "another axis or length changes nothing";
  auto other = search_of(kMixed);
  other.seed = 6;
  EXPECT_NE(settings_of(other)[0][0].text, all[0][0].text);
}

TEST(Space, ATrialIsNotRepeatedWhileUnseenOnesRemain) {
  const std::string space = "space: {a: [1, 2, 3, 4], b: {int: [1, 3]}}\n";
  const auto settings = settings_of(search_of("trials: 12\n" + space));
  EXPECT_EQ(settings.size(), 12U);
  EXPECT_EQ(distinct(settings).size(), 12U);
  const auto more = search_of("trials: 40\n" + space);
  EXPECT_EQ(settings_of(more).size(), 12U);
  EXPECT_THAT(size_text(more), HasSubstr("12 trials: the space holds no more, 40"));
}

TEST(Space, AContinuousAxisOfThreeNumbersEnds) {
  const auto settings =
      settings_of(search_of("trials: 9\nspace: {a: {uniform: [1, 1.0000000000000004]}}"));
  EXPECT_EQ(distinct(settings).size(), settings.size());
  EXPECT_LE(settings.size(), 3U);
}

TEST(Space, AGridIsEveryCombinationWithTheLastKeyFastest) {
  const auto options = search_of("method: grid\nspace: {a: [1, 2], b: [x, y, z]}");
  EXPECT_EQ(size_text(options), "2 x 3 = 6 trials");
  std::vector<std::string> texts;
  for (const Setting& setting : settings_of(options)) texts.push_back(text_of(setting));
  EXPECT_THAT(texts,
              ::testing::ElementsAre("[1, x]", "[1, y]", "[1, z]", "[2, x]", "[2, y]", "[2, z]"));
  EXPECT_EQ(size_text(search_of("method: grid\nspace: {a: [1, 2]}")), "2 trials");
}

TEST(Space, ProblemsNameTheirPlace) {
  const auto message = [](const std::string& yaml) -> std::string {
    try {
      search_of(yaml);
    } catch (const RecipeError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message("space: {a: {log_unifrm: [1, 2]}}"), HasSubstr("space.yaml:1:13: "));
  EXPECT_THAT(message("space: {a: {log_uniform: [0, 2]}}"), HasSubstr("more than 0"));
  EXPECT_THAT(message("space: {a: {uniform: [2, 1]}}"), HasSubstr("low below high"));
  EXPECT_THAT(message("space: {a: {uniform: [1, 2], int: [1, 2]}}"), HasSubstr("expected one of"));
  EXPECT_THAT(message("space: {a: [1e-3, 0.001]}"), HasSubstr("names 0.001 twice"));
  EXPECT_THAT(message("method: grid\nspace: {a: {int: [1, 2]}}"), HasSubstr("a list of values"));
  EXPECT_THAT(message("metric: test_accuracy\nspace: {a: [1]}"), HasSubstr("validation_accuracy"));
  EXPECT_THAT(message("trials: 3"), HasSubstr("search.space: is required"));
}

}  // namespace
}  // namespace onecycle::testing
