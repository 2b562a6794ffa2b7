// Reports of folders in every state.

#include "onecycle/error.h"
#include "onecycle/report.h"

#include "report/figures/gnuplot.h"
#include "report/reports.h"
#include "report/run_csv.h"
#include "support/temporary_folder.h"

#include <chrono>
#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
namespace fs = std::filesystem;

TEST_F(Reports, AFinishedRunHasEveryFigureAndItsData) {
  write_run(std::string(kEvents) + "2026-01-02T03:05:05Z,20,2.0,finished,\"\"\n");
  const std::string html = page();
  for (const char* name : {"loss", "accuracy", "momentum", "throughput"}) {
    EXPECT_THAT(html, HasSubstr(std::string("<figure id=\"") + name + "\">"));
    for (const char* type : {".svg", ".csv", ".json"})
      EXPECT_TRUE(fs::exists(folder_ / (std::string("report/") + name + type))) << name << type;
  }
  EXPECT_THAT(html, Not(HasSubstr("Unfinished")));
  EXPECT_THAT(html, HasSubstr("1.1 at epoch 2 (55.00 %)"));
  EXPECT_THAT(html, HasSubstr("54.00 % (loss 1.2)"));
  EXPECT_THAT(read_bytes(folder_ / "report/loss.csv"), HasSubstr("\nvalidation,20,1.1,,\n"));
}

// An older program's files count steps from 0, today's count the steps done.
TEST_F(Reports, StepsAreThoseDoneWhicheverWayTheFileCounts) {
  write_run();
  const std::string old_page = page();
  EXPECT_THAT(old_page, HasSubstr("<dt>steps</dt><dd>20 (2 epochs)"));
  EXPECT_THAT(read_bytes(folder_ / "report/loss.csv"), HasSubstr("\nlearning rate,10,"));
  folder_.write_text("metrics.json", R"({"version": 2, "metrics": [
    {"name": "accuracy", "label": "acc", "larger_is_better": true, "is_fraction": true}]})");
  EXPECT_THAT(page(), HasSubstr("<dt>steps</dt><dd>19 (2 epochs)"));
  EXPECT_THAT(read_bytes(folder_ / "report/loss.csv"), HasSubstr("\nlearning rate,9,"));
  EXPECT_THAT(page(), HasSubstr("1.1 at epoch 2 (55.00 %)"));
}

// Half of the peak is a high rate for the verdict; a fallback lowers the peak.
TEST_F(Reports, TheVerdictsPeakIsLowerAfterAFallback) {
  write_run();
  EXPECT_EQ(read_learning_curve(folder_.path()).lr_max, 0.1);
  folder_.write_text(
      "metrics.csv",
      std::string(kMetrics) + "29,3.0,0.0125,0.95,0.001,0.25,1.0,0.6,1.1,0.55,1.2,0.54,3.0,3.5\n");
  EXPECT_EQ(read_learning_curve(folder_.path()).lr_max, 0.025);
}

constexpr const char* kErrors =
    "step,epoch,lr,momentum,weight_decay,lr_scale,train_loss,train_rmse,train_map,validation_loss,"
    "validation_rmse,validation_map,test_loss,test_rmse,test_map,train_seconds,seconds\n"
    "9,1.0000,0.1,0.9,0.001,1,2.0,700.5,,1.9,712.25,0.25,,,,1.000,1.500\n"
    "19,2.0000,0.05,0.95,0.001,1,1.0,540.5,,1.1,548.125,0.5,1.2,551.75,0.5,2.0,2.5\n";

TEST_F(Reports, AnErrorIsShownInItsOwnUnit) {
  write_run();
  folder_.write_text("metrics.csv", kErrors);
  folder_.write_text("metrics.json", R"([
    {"name": "rmse", "label": "RMSE", "larger_is_better": false, "is_fraction": false},
    {"name": "map", "label": "mAP", "larger_is_better": true, "is_fraction": true}])");
  const std::string html = page();
  for (const char* name : {"rmse", "map"})
    EXPECT_THAT(html, HasSubstr(std::string("<figure id=\"") + name + "\">"));
  EXPECT_THAT(html, Not(HasSubstr("ccuracy")));
  EXPECT_THAT(html, HasSubstr("1.1 at epoch 2 (RMSE 548.1)"));
  EXPECT_THAT(html, HasSubstr("551.8 (loss 1.2)"));
  EXPECT_THAT(html, HasSubstr("validation mAP"));
  EXPECT_THAT(html, HasSubstr("mAP, %"));
  EXPECT_THAT(read_bytes(folder_ / "report/rmse.csv"), HasSubstr("\nvalidation,20,548.125,,\n"));
  EXPECT_THAT(read_bytes(folder_ / "report/map.csv"), HasSubstr("\nvalidation,20,50,,\n"));
}

TEST_F(Reports, AnOlderRunsMetricsAreKnownByTheirColumns) {
  write_run();
  folder_.write_text("metrics.csv", kErrors);
  for (const char* said : {"", "[{]", R"([{"name": "../x", "label": "x"}])"}) {
    if (*said != '\0') folder_.write_text("metrics.json", said);
    const std::string html = page();
    EXPECT_THAT(html, HasSubstr("<figure id=\"rmse\">")) << said;
    EXPECT_THAT(html, HasSubstr("1.1 at epoch 2 (rmse 548.1)")) << said;
  }
}

TEST_F(Reports, AnUnfinishedRunAndACutFileAreSaidToBe) {
  write_run();
  folder_.write_text("steps.csv", std::string(kSteps) + "14,1.5,0.08,0.9");
  const std::string html = page();
  EXPECT_THAT(html, HasSubstr("Unfinished"));
  EXPECT_THAT(html, HasSubstr("cut short"));
  EXPECT_THAT(read_bytes(folder_ / "report/momentum.csv"), Not(HasSubstr("14")));
}

TEST_F(Reports, AResumedRunIsUnfinishedAgainAndADivergedOneSaysWhy) {
  write_run(std::string(kEvents) + "t,5,0.5,interrupted,\"Ctrl-C\"\nt,5,0.5,resumed,\"\"\n");
  EXPECT_THAT(page(), HasSubstr("Unfinished"));
  write_run(std::string(kEvents) + "t,5,0.5,diverged,\"loss \"\"nan\"\" at <step> 5\"\n");
  EXPECT_THAT(page(), HasSubstr("diverged: loss &quot;nan&quot; at &lt;step&gt; 5"));
}

TEST_F(Reports, StepsAloneAreEnough) {
  folder_.write_text("steps.csv", kSteps);
  folder_.write_text("metrics.csv", "step,epoch\n");
  EXPECT_THAT(page(), HasSubstr("<figure id=\"loss\">"));
}

TEST_F(Reports, NoTextOfARecipeBecomesMarkup) {
  write_run();
  folder_.write_text("recipe.yaml", "name: \"</script><b>x\"\n# </pre></script><img src=x>\n");
  ReportOptions options;
  options.gnuplot = "";
  options.words = {"<i>verdict</i>"};
  options.facts = {{"machine", "<u>"}};
  const std::string html = read_bytes(write_report(folder_.path(), options).page);
  for (const char* tag : {"<b>x", "<img", "<i>", "<u>"}) EXPECT_THAT(html, Not(HasSubstr(tag)));
  EXPECT_THAT(html, HasSubstr("&lt;/script&gt;&lt;b&gt;x"));
  EXPECT_THAT(html, HasSubstr("&lt;i&gt;verdict"));
}

TEST_F(Reports, JsonInThePageCannotEndItsScript) {
  folder_.write_text("range_test.json", R"({"sweeps": [{"points": [{"lr": 1, "train_loss": 2}]}],
    "overlays": [{"label": "</script><b>", "smoothed": [{"lr": 1, "train_loss": 2}]}]})");
  const std::string html = page();
  EXPECT_THAT(html, Not(HasSubstr("</script><b>")));
  EXPECT_THAT(html, HasSubstr("\\u003c/script>"));
}

TEST_F(Reports, ARangeTestShowsItsNumberAndItsRules) {
  folder_.write_text("range_test.json", R"({"name": "q", "lr_max": 0.1, "lr_min": 0.01,
    "uncertain": true, "settings": "--set schedule.lr_max=0.1", "words": ["Take 0.1."], "unknown": [1],
    "sweeps": [{"shape": "exponential", "points": [{"lr": 0.001, "train_loss": 2.3},
      {"lr": 1, "train_loss": null}, {"lr": 10, "train_loss": 1e30}]}],
    "smoothed": [{"lr": 0.001, "train_loss": 2}, {"lr": 0.1, "train_loss": 1},
      {"lr": 10, "train_loss": 5}],
    "suggestions": [{"rule": "slide", "lr": null, "reason": "flat"}, 7]})");
  const std::string html = page();
  EXPECT_THAT(html, HasSubstr("Take 0.1."));
  EXPECT_THAT(html, HasSubstr("Uncertain"));
  EXPECT_THAT(html, HasSubstr("<td class=\"text\">slide</td><td>–</td>"));
  EXPECT_THAT(html,
              HasSubstr("<p class=\"answer\">The largest useful learning rate is 0.1.</p>"));
  EXPECT_THAT(html, HasSubstr("<code>--set schedule.lr_max=0.1</code>"));
  EXPECT_THAT(html, HasSubstr("are cut off; the highest is 1e30."));
  const auto figures = read_figures(folder_.path());
  ASSERT_THAT(figures, SizeIs(2)) << "the coarse sweep has its own";
  EXPECT_EQ(figures[1].name, "coarse-sweep");
  EXPECT_TRUE(figures[0].x.logarithmic);
  ASSERT_THAT(figures[0].marks, SizeIs(2));
  EXPECT_DOUBLE_EQ(figures[0].marks[0].y, 1);
  EXPECT_DOUBLE_EQ(figures[0].marks[1].y, 1.5);  // halfway in log lr
}

// The cliff: sweeps of two seeds that go farther and fall, as means of ten steps, beside the one
// that the number is read off.
TEST_F(Reports, ARangeTestShowsTheSweepsThatFell) {
  folder_.write_text("range_test.json", R"({"name": "q", "lr_max": 0.1,
    "smoothed": [{"x": 0.01, "held_out_accuracy": 0.5}, {"x": 0.1, "held_out_accuracy": 0.8}],
    "sweeps": [
      {"label": "coarse", "shape": "exponential", "points": [{"step": 0, "lr": 1, "train_loss": 2}]},
      {"label": "seed 1", "shape": "linear", "points": [
        {"step": 9, "lr": 0.1, "held_out_accuracy": 0.8}]},
      {"label": "seed 1, to 0.03", "shape": "linear", "points": [
        {"step": 9, "lr": 0.03, "held_out_accuracy": 0.7}]},
      {"label": "seed 1, to 0.32", "shape": "linear", "points": [
        {"step": 9, "lr": 0.1, "held_out_accuracy": 0.7},
        {"step": 19, "lr": 0.3, "held_out_accuracy": 0.2}]},
      {"label": "seed 2, to 0.32", "shape": "linear", "stopped": "diverged", "points": [
        {"step": 9, "lr": 0.1, "held_out_accuracy": 0.8},
        {"step": 19, "lr": 0.3, "held_out_accuracy": 0.4}]}]})");
  const auto figures = read_figures(folder_.path());
  ASSERT_THAT(figures, Not(IsEmpty()));
  EXPECT_EQ(figures[0].name, "held-out-accuracy");
  ASSERT_THAT(figures[0].series, SizeIs(3)) << "measured, smoothed, farther";
  EXPECT_THAT(figures[0].series[0].x, ElementsAre(0.1)) << "of the number's sweeps alone";
  const PlotSeries& farther = figures[0].series[2];
  EXPECT_EQ(farther.label, "farther, to 0.32: diverges at 0.3");
  EXPECT_THAT(farther.x, ElementsAre(0.1, 0.3));
  EXPECT_THAT(farther.y,
              ElementsAre(::testing::DoubleNear(75, 1e-9), ::testing::DoubleNear(30, 1e-9)));
  EXPECT_EQ(figures.back().name, "coarse-sweep");
}

TEST_F(Reports, ARangeTestOfValuesSpeaksOfItsMetric) {
  folder_.write_text("range_test.json", R"({"name": "q", "uncertain": true, "measure": "loss",
    "metric": {"name": "rmse", "label": "rmse", "larger_is_better": false, "is_fraction": false},
    "sweeps": [{"points": [{"lr": 0.1, "train_loss": 2, "held_out_rmse": 30}]}]})");
  EXPECT_THAT(page(), AllOf(HasSubstr("<figure id=\"held-out-rmse\">"), Not(HasSubstr("ccuracy"))));
  const auto figures = read_figures(folder_.path());
  ASSERT_THAT(figures, SizeIs(2));
  EXPECT_EQ(figures[0].name, "held-out-rmse");
  EXPECT_EQ(figures[0].y.label, "rmse");
  EXPECT_DOUBLE_EQ(figures[0].series.at(0).y.at(0), 30) << "no percent";
}

TEST_F(Reports, ARefusedRangeTestWithoutAPointIsAPageStill) {
  folder_.write_text("range_test.json", R"({"refused": "NaN at step 0", "sweeps": "none"})");
  EXPECT_THAT(page(), HasSubstr("No number: NaN at step 0"));
}

TEST_F(Reports, FoldersOfNothingAreErrorsOfOneLine) {
  EXPECT_THAT(failure(), HasSubstr("neither a run's folder"));
  folder_.write_text("recipe.yaml", "name: small\n");
  EXPECT_THAT(failure(), HasSubstr("nothing to plot yet"));
  folder_.write_text("range_test.json", "{");
  EXPECT_THAT(failure(), HasSubstr("not JSON"));
  folder_.write_text("range_test.json", "{}");
  EXPECT_THAT(failure(), HasSubstr("nothing to plot yet"));
  EXPECT_THROW(write_report(folder_ / "missing"), Error);
  EXPECT_FALSE(fs::exists(folder_ / "report.html"));
}

TEST_F(Reports, WithoutGnuplotThePageSaysHowToGetIt) {
  write_run();
  ReportOptions options;
  options.gnuplot = "no-such-gnuplot";
  options.page = folder_ / "else/where.html";
  const Report report = write_report(folder_.path(), options);
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("no-such-gnuplot is not installed: no PNG")));
  EXPECT_THAT(read_bytes(report.page), HasSubstr("install gnuplot"));
  EXPECT_THAT(read_bytes(report.page), Not(HasSubstr(".png\"")));
  EXPECT_TRUE(fs::exists(folder_ / "else/where/loss.csv"));
  options.page = folder_ / "page.txt";
  EXPECT_THROW(write_report(folder_.path(), options), UsageError);
}

TEST(Csv, QuotesLineBreaksAndCutEnds) {
  const RunCsv table = parse_csv("a,b\n1,\"x, \"\"y\"\"\nz\"\n2\n3,nan\n4,\"open");
  EXPECT_THAT(table.texts("b"), ElementsAre("x, \"y\"\nz", "nan"));
  EXPECT_TRUE(std::isnan(table.numbers("b")[1]));
  EXPECT_TRUE(table.cut_short);
  EXPECT_THAT(parse_csv("").rows, IsEmpty());
}

TEST(Gnuplot, NoTextIsACommand) {
  const TemporaryFolder folder;
  Figure figure;
  figure.name = "x";
  figure.title = "it's `touch " + (folder / "a") + "` @x _{y}\n!touch " + (folder / "b");
  figure.x.label = "';system('touch " + (folder / "c") + "');'";
  PlotSeries series;
  series.label = "END\n!touch " + (folder / "d") + "\n\"$(x)\"";
  series.x = {1, 2, 3};
  series.y = {1, PlotAxis::kOpen, 3};
  figure.series = {series};
  const ProgramResult png = draw_png(figure, "gnuplot");
  if (png.failure.ends_with("is not installed")) GTEST_SKIP() << png.failure;
  EXPECT_EQ(png.failure, "");
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Gnuplot, StartsWithSignalsAsAShellWouldStartIt) {
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) sigaddset(&blocked, number);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto usr1 = std::signal(SIGUSR1, SIG_IGN);
  const ProgramResult status = run_with_input("cat", {"/proc/self/status"}, "", 20);
  std::signal(SIGUSR1, usr1);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_THAT(status.out, HasSubstr("SigBlk:\t0000000000000000\n"));
  const std::string ignored = status.out.substr(status.out.find("SigIgn:") + 7);
  EXPECT_EQ(std::stoull(ignored, nullptr, 16) & (1ULL << (SIGUSR1 - 1)), 0U);
}

TEST(Gnuplot, IsNotWaitedForWithoutEnd) {
  EXPECT_THAT(run_with_input("sleep", {"infinity"}, "", 1).failure, HasSubstr("more than 1 s"));
  EXPECT_EQ(run_with_input("cat", {}, std::string(3'000'000, 'x'), 20).out.size(), 3'000'000U);
  EXPECT_THAT(run_with_input("false", {}, "", 20).failure, HasSubstr("false failed"));
}

}  // namespace
}  // namespace onecycle::testing
