// The page of a tuning, from a tuning.json written by hand.

#include "onecycle/report.h"

#include "support/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class TunePage : public ::testing::Test {
 protected:
  std::string page() const {
    ReportOptions options;
    options.gnuplot = "";
    return read_bytes(write_report(folder_.path(), options).page);
  }

  TemporaryFolder folder_;
};

constexpr const char* kTuning =
    R"({"kind": "tuning", "name": "small", "choices": [{"what": "momentum",
  "trials": [{"label": "0.95", "loss": -2.5, VALUE"epochs": 2, "chosen": true},
             {"label": "0.9", "loss": -1.75, "epochs": 2, "chosen": false}]}]METRIC})";

std::string tuning_of(const std::string& value, const std::string& metric) {
  std::string text = kTuning;
  text.replace(text.find("VALUE"), 5, value);
  return text.replace(text.find("METRIC"), 6, metric);
}

TEST_F(TunePage, TrialsOfATuningHaveTheMetricThatItNames) {
  folder_.write_text("tuning.json", tuning_of(R"("rmse": 548.125, )", R"(, "metric":
    {"name": "rmse", "label": "RMSE", "larger_is_better": false, "is_fraction": false})"));
  std::string html = page();
  EXPECT_THAT(html, HasSubstr("validation RMSE"));
  EXPECT_THAT(html, HasSubstr("548.1"));
  EXPECT_THAT(html, Not(HasSubstr("are cut off"))) << "losses differ by less than the figure shows";
  folder_.write_text("tuning.json", tuning_of(R"("accuracy": 0.875, )", ""));
  html = page();
  EXPECT_THAT(html, HasSubstr("validation accuracy"));
  EXPECT_THAT(html, HasSubstr("87.50 %"));
  folder_.write_text("tuning.json", tuning_of("", R"(, "metric": null)"));
  EXPECT_THAT(page(), Not(HasSubstr("validation accuracy")));
}

constexpr const char* kTrials = R"json({"kind": "tuning", "name": "small", "choices": [
  {"what": "weight decay (l2 units)", "trials": [
    {"label": "0.01", "loss": 3, "epochs": 2, "chosen": false},
    {"label": "0.001", "loss": 2, "epochs": 2, "chosen": true},
    {"label": "0.0001", "loss": 9, "epochs": 2, "chosen": false},
    {"label": "0", "loss": 2.5, "epochs": 2, "chosen": false}]},
  {"what": "momentum", "trials": [
    {"label": "as the recipe", "loss": 2, "epochs": 2, "chosen": true},
    {"label": "0.95", "loss": 2.25, "epochs": 2, "chosen": false},
    {"label": "0.90", "loss": 2.125, "epochs": 2, "chosen": false},
    {"label": "0.95-0.85-0.95", "loss": null, "epochs": 2, "chosen": false}]},
  {"what": "duration", "trials": [{"label": "5 ep", "loss": 2, "epochs": 5}]}],
  "recipe": "name: small\nschedule: {lr_max: 0.25}\ntrain: {lr_found_at: 16}\n"})json";

TEST_F(TunePage, TrialsAreDrawnOverTheValuesTried) {
  folder_.write_text("tuning.json", kTrials);
  const auto figures = read_figures(folder_.path());
  ASSERT_THAT(figures, SizeIs(2)) << "one length is no curve";
  const Figure& decay = figures[0];
  EXPECT_EQ(decay.name, "trials-weight-decay-l2-units");
  EXPECT_EQ(decay.x.label, "weight decay (l2 units)");
  EXPECT_TRUE(decay.x.logarithmic);
  EXPECT_THAT(decay.series.at(0).x, ElementsAre(0.0001, 0.001, 0.01));
  EXPECT_THAT(decay.series.at(0).y, ElementsAre(9, 2, 3));
  EXPECT_EQ(decay.series.at(1).label, "0") << "beside the logarithm";
  EXPECT_THAT(decay.series.at(1).y, ElementsAre(2.5, 2.5));
  EXPECT_LT(decay.x.low, 0.0001);
  EXPECT_GT(decay.x.high, 0.01);
  EXPECT_EQ(decay.marks.at(1).label, "chosen: 0.001");
  EXPECT_TRUE(decay.marks.at(1).strong);
  EXPECT_DOUBLE_EQ(decay.y.high, 3);
  const Figure& momentum = figures[1];
  EXPECT_FALSE(momentum.x.logarithmic);
  EXPECT_THAT(momentum.series.at(0).x, ElementsAre(0.9, 0.95));
  ASSERT_THAT(momentum.series, SizeIs(2)) << "what diverged has no line";
  EXPECT_EQ(momentum.series[1].label, "as the recipe (chosen)");
}

TEST_F(TunePage, ATuningBeginsWithBeforeAndAfter) {
  folder_.write_text("tuning.json", kTrials);
  folder_.write_text("recipe.yaml",
                     "name: small\nschedule: {lr_max: 0.1}\ntrain: {lr_found_at: ~}\n");
  const std::string html = page();
  EXPECT_THAT(html, HasSubstr("<p class=\"answer\">lr_max 0.1 → 0.25</p>"));
  EXPECT_THAT(html,
              HasSubstr("<code>--set schedule.lr_max=0.25 --set train.lr_found_at=16</code>"));
  EXPECT_THAT(html, HasSubstr("<code>onecycle train " + folder_.path() + "/tuned.yaml</code>"));
  const std::size_t table = html.find("<h2>Before and after</h2>");
  ASSERT_NE(table, std::string::npos);
  EXPECT_LT(table, html.find("<h2>What was chosen</h2>"));
  EXPECT_THAT(html, HasSubstr("<td class=\"text\">schedule.lr_max</td><td class=\"text\">0.1</td>"
                              "<td class=\"text\">0.25</td>"));
}

}  // namespace
}  // namespace onecycle::testing
