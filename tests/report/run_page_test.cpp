// What a run's page shows, and in which order.

#include "report/reports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

TEST_F(Reports, TheRateIsBehindTheLossOnOneAxisOfSteps) {
  write_run();
  const Figure loss = read_figures(folder_.path()).at(0);
  EXPECT_EQ(loss.x.label, "step");
  std::vector<std::string> labels;
  for (const PlotSeries& series : loss.series) labels.push_back(series.label);
  EXPECT_THAT(labels, ElementsAre("training", "validation", "test", "learning rate"));
  EXPECT_THAT(loss.series[0].x, ElementsAre(5, 10)) << "as logged, beside it as evaluated:";
  EXPECT_THAT(loss.series[1].x, ElementsAre(10, 20));
  EXPECT_TRUE(loss.series[3].right);
  EXPECT_EQ(loss.series[3].style, PlotSeries::Style::area);
  EXPECT_THAT(loss.series[3].y, ElementsAre(0.05, 0.1));
  EXPECT_THAT(loss.note, HasSubstr("An epoch is 10 steps."));
}

TEST_F(Reports, TheAnswerAndWhatToDoNextComeFirst) {
  folder_.write_text("recipe.yaml",
                     "name: small\nschedule: {name: one_cycle, lr_max: 0.1}\n"
                     "train: {duration: 2ep}\n");
  folder_.write_text("metrics.csv", kMetrics);
  const std::string end = "2026-01-02T03:05:05Z,20,2.0,";
  const auto next = [&](const std::string& event) {
    folder_.write_text("events.csv", kEvents + end + event + ",\"\"\n");
    const std::string html = page();
    const std::size_t begin = html.find("<dl class=\"next\">");
    return begin == std::string::npos ? "" : html.substr(begin, html.find("</dl>", begin) - begin);
  };
  EXPECT_THAT(next("finished"), AllOf(HasSubstr("<code>onecycle eval " + folder_.path()),
                                      HasSubstr("/recipe.yaml --set train.duration=4ep</code>")));
  const std::string html = page();
  const std::size_t answer = html.find(
      "<p class=\"answer\">Validation accuracy 55.00 % (loss 1.1) after 2 epochs, its best.</p>");
  ASSERT_NE(answer, std::string::npos);
  EXPECT_LT(answer, html.find("<dl class=\"next\">"));
  EXPECT_LT(html.find("<dl class=\"next\">"), html.find("<dl class=\"facts\">"));
  EXPECT_THAT(next("interrupted"), HasSubstr("onecycle train --resume " + folder_.path()));
  EXPECT_THAT(next("diverged"), HasSubstr("/recipe.yaml --set schedule.lr_max=0.03</code>"));
  EXPECT_EQ(next("out_of_memory"), "");
}

TEST_F(Reports, TheAnswerNamesTheBestWhereItIsNotTheLast) {
  write_run();
  std::string metrics = kMetrics;
  folder_.write_text("metrics.csv", metrics.replace(metrics.find("0.550000"), 8, "0.350000"));
  EXPECT_THAT(page(), HasSubstr("Validation accuracy 35.00 % (loss 1.1) after 2 epochs; the best, "
                                "40.00 %, at epoch 1."));
  folder_.write_text("metrics.csv", "step,epoch\n");
  EXPECT_THAT(page(), HasSubstr("Training loss 1.8 after 1 epoch; nothing was held out"));
}

TEST_F(Reports, OfTheRecipeWhatDiffersIsSeenAndTheRestFolded) {
  write_run();
  EXPECT_THAT(page(), Not(HasSubstr("<details>"))) << "nobody says what differs";
  ReportOptions options;
  options.gnuplot = "";
  options.changes = [](const std::string& recipe) {
    EXPECT_THAT(recipe, HasSubstr("name: small"));
    return "schedule.lr_max: <0.1>\n";
  };
  const std::string html = read_bytes(write_report(folder_.path(), options).page);
  const std::size_t changes = html.find("schedule.lr_max: &lt;0.1&gt;");
  const std::size_t folded = html.find("<details><summary>The whole recipe</summary>");
  ASSERT_NE(folded, std::string::npos);
  EXPECT_LT(changes, folded);
  EXPECT_LT(folded, html.find("name: small\nschedule"));
}

TEST_F(Reports, CommandVersionCommitAndHostAreRunJsons) {
  write_run();
  folder_.write_text("run.json", R"({"sessions": [
    {"command": "onecycle train r.yaml", "version": "0.1", "commit": "abc", "host": "a", "ranks": 1},
    {"command": "onecycle train --resume <x>", "version": "0.2", "commit": "", "host": "b"}]})");
  const std::string html = page();
  for (const char* fact : {"<dt>command</dt><dd>onecycle train r.yaml</dd>",
                           "<dt>resumed by</dt><dd>onecycle train --resume &lt;x&gt;</dd>",
                           "<dt>program</dt><dd>onecycle 0.2</dd>", "<dt>host</dt><dd>b</dd>"})
    EXPECT_THAT(html, HasSubstr(fact));
  EXPECT_THAT(html, Not(HasSubstr("<dt>commit</dt>"))) << "built where there was none";
  for (const char* damaged : {"{", "[]", R"({"sessions": 3})", R"({"sessions": [1]})"}) {
    folder_.write_text("run.json", damaged);
    EXPECT_THAT(page(), Not(HasSubstr("<dt>command</dt>"))) << damaged;
  }
}

TEST_F(Reports, ATableOfManyColumnsIsSplit) {
  write_run();
  const auto headings = [](const std::string& html, std::size_t from) {
    const std::size_t begin = html.find("<thead>", from);
    std::size_t count = 0;
    for (std::size_t at = begin; at < html.find("</thead>", begin); ++count)
      at = html.find("<th>", at + 1);
    return count - 1;
  };
  std::string html = page();
  EXPECT_THAT(html, Not(HasSubstr("continued")));
  EXPECT_EQ(headings(html, html.find("<h2>Evaluations</h2>")), 10U);
  // Step and epoch, rate and momentum, a loss and three numbers of each split: 16 columns.
  folder_.write_text("metrics.csv",
                     "step,epoch,lr,momentum,train_loss,train_a,train_b,train_c,validation_loss,"
                     "validation_a,validation_b,validation_c,test_loss,test_a,test_b,test_c\n"
                     "9,1,0.1,0.9,1,1,1,1,2,2,2,2,3,3,3,3\n");
  html = page();
  EXPECT_EQ(headings(html, html.find("<h2>Evaluations</h2>")), 8U);
  EXPECT_EQ(headings(html, html.find("<h2>Evaluations, continued</h2>")), 10U);
}

TEST_F(Reports, EvaluationsAndTheBestAreMarked) {
  write_run();
  const auto figures = read_figures(folder_.path());
  for (const Figure* figure : {&figures.at(0), &figures.at(1)}) {
    ASSERT_THAT(figure->marks, SizeIs(3)) << figure->name;
    EXPECT_DOUBLE_EQ(figure->marks[0].x, 10);
    EXPECT_FALSE(figure->marks[0].strong);
    EXPECT_TRUE(figure->marks[2].strong);
    EXPECT_DOUBLE_EQ(figure->marks[2].x, 20);
  }
  EXPECT_EQ(figures[0].marks[2].label, "best 1.1") << "the lowest loss";
  EXPECT_EQ(figures[1].marks[2].label, "best 55") << "the highest accuracy, in percent";
}

}  // namespace
}  // namespace onecycle::testing
