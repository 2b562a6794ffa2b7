// Observers with a memory, and the files they write.

#include "core/text/metric_text.h"
#include "observe/csv.h"
#include "observe/divergence.h"
#include "observe/early_stop.h"
#include "observe/json_lines.h"
#include "support/temporary_folder.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <sstream>

namespace onecycle {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<Metric> kMetrics = {{"accuracy", "acc", true, true}};

RunBegin began() {
  RunBegin event;
  event.metrics = kMetrics;
  event.guessing_loss = std::log(10);
  return event;
}

LogPoint log_point(std::int64_t step, double loss) {
  LogPoint point;
  point.step = step;
  point.train = {loss, {0.5}, 10};
  return point;
}

Evaluated evaluated(std::int64_t step, double loss, double accuracy) {
  Evaluated event;
  event.step = step;
  event.validation = Score{loss, {accuracy}, 10};
  return event;
}

TEST(Csv, GoesOnWhereACheckpointWas) {
  const TemporaryFolder folder;
  StopSignal stop;
  {
    CsvWriter csv(folder.path(), kMetrics);
    for (const std::int64_t step : {4, 9, 14, 19}) csv.on_log_point(log_point(step, 1), stop);
    for (const std::int64_t step : {9, 19}) csv.on_evaluated(evaluated(step, 1, 0.5), stop);
  }
  const std::string whole = read_bytes(folder / "steps.csv");
  write_bytes(folder / "steps.csv", whole + "24,0.1,to");  // torn
  CsvWriter csv(folder.path(), kMetrics);
  csv.restore("", 15);
  csv.on_log_point(log_point(19, 1), stop);
  csv.on_evaluated(evaluated(19, 1, 0.5), stop);
  EXPECT_EQ(read_bytes(folder / "steps.csv"), whole);
  const std::string metrics = read_bytes(folder / "metrics.csv");
  EXPECT_EQ(std::count(metrics.begin(), metrics.end(), '\n'), 3);
  csv.restore("", 0);
  EXPECT_EQ(read_bytes(folder / "steps.csv"), whole.substr(0, whole.find('\n') + 1));
}

// The first cells of a table's rows.
std::vector<std::string> steps_in(const std::string& path) {
  std::vector<std::string> steps;
  std::istringstream rows(read_bytes(path));
  for (std::string row; std::getline(rows, row);) steps.push_back(row.substr(0, row.find(',')));
  return steps;
}

TEST(Csv, AStepIsTheNumberOfStepsDone) {
  const TemporaryFolder folder;
  StopSignal stop;
  CsvWriter csv(folder.path(), kMetrics);
  csv.on_log_point(log_point(4, 1), stop);
  csv.on_evaluated(evaluated(9, 1, 0.5), stop);
  EXPECT_THAT(steps_in(folder / "steps.csv"), ElementsAre("step", "5"));
  EXPECT_THAT(steps_in(folder / "metrics.csv"), ElementsAre("step", "10"));
  EXPECT_THAT(read_bytes(folder / "metrics.json"), HasSubstr("\"version\": 2"));
  std::ostringstream out;
  JsonLines json(out, "run");
  json.on_run_begin(began());
  json.on_log_point(log_point(4, 1), stop);
  EXPECT_THAT(out.str(), HasSubstr("\"version\":2"));
  EXPECT_THAT(out.str(), HasSubstr("\"event\":\"log\",\"step\":5,"));
}

// Files of a program that counted from 0, with metrics.json and, older still, without.
TEST(Csv, AnOldFolderGoesOnAsItCounts) {
  for (const bool has_metrics : {true, false}) {
    const TemporaryFolder folder;
    StopSignal stop;
    if (has_metrics) folder.write_text("metrics.json", metrics_json(kMetrics));
    folder.write_text("steps.csv", "step,epoch\n4,0.5\n9,1\n14,1.5\n");
    folder.write_text("metrics.csv", "step,epoch\n9,1\n");
    {
      CsvWriter csv(folder.path(), kMetrics);
      csv.restore("", 10);
      csv.on_log_point(log_point(14, 1), stop);
    }
    CsvWriter csv(folder.path(), kMetrics);
    csv.restore("", 15);
    csv.on_log_point(log_point(19, 1), stop);
    csv.on_evaluated(evaluated(19, 1, 0.5), stop);
    EXPECT_THAT(steps_in(folder / "steps.csv"), ElementsAre("step", "4", "9", "14", "19"));
    EXPECT_THAT(steps_in(folder / "metrics.csv"), ElementsAre("step", "9", "19"));
    EXPECT_EQ(read_bytes(folder / "metrics.json"), metrics_json(kMetrics));
    csv.restore("", 0);
    csv.on_log_point(log_point(4, 1), stop);
    EXPECT_THAT(steps_in(folder / "steps.csv"), ElementsAre("step", "5"));
    EXPECT_THAT(read_bytes(folder / "metrics.json"), HasSubstr("\"version\": 2"));
  }
}

TEST(Csv, EventsQuoteTheirMessages) {
  const TemporaryFolder folder;
  EventLog log(folder.path());
  log.on_run_begin({});
  log.on_notice({Notice::Kind::fell_back, 12, 1.5, "it \"diverged\", twice"});
  const std::string text = read_bytes(folder / "events.csv");
  EXPECT_THAT(text, HasSubstr("time,steps,epoch,event,message\n"));
  EXPECT_THAT(text, HasSubstr(",12,1.5000,fell_back,\"it \"\"diverged\"\", twice\"\n"));
}

// A run judged by an error in the unit of its targets, and by a share of variance.
const std::vector<Metric> kErrors = {{"rmse", "rmse", false, false}, {"r2", "R2", true, false}};

Evaluated with_error(std::int64_t step, double loss, double rmse, double r2) {
  Evaluated event;
  event.step = step;
  event.validation = Score{loss, {rmse, r2}, 10};
  return event;
}

RunBegin began_with_errors() {
  RunBegin event;
  event.metrics = kErrors;
  return event;
}

TEST(Csv, HasAMetricInItsOwnUnitAndNothingWhereItHasNoValue) {
  const TemporaryFolder folder;
  StopSignal stop;
  CsvWriter csv(folder.path(), kErrors);
  csv.on_evaluated(with_error(9, 1.5, 0.0000123456789, NAN), stop);
  const std::string text = read_bytes(folder / "metrics.csv");
  EXPECT_THAT(text, HasSubstr("validation_loss,validation_rmse,validation_r2,test_loss"));
  EXPECT_THAT(text, HasSubstr(",1.500000,1.23456789e-05,,"));
  const std::string kinds = read_bytes(folder / "metrics.json");
  EXPECT_THAT(kinds, HasSubstr("\"rmse\""));
  EXPECT_THAT(kinds, HasSubstr("\"larger_is_better\": false"));
}

TEST(JsonLines, AMetricWithoutAValueIsNull) {
  std::ostringstream out;
  StopSignal stop;
  JsonLines json(out, "run");
  json.on_run_begin(began_with_errors());
  json.on_evaluated(with_error(9, 1.5, 540.25, NAN), stop);
  EXPECT_THAT(out.str(), HasSubstr("\"validation_rmse\":540.25,\"validation_r2\":null"));
}

TEST(EarlyStop, FollowsAnErrorDownwards) {
  StopSignal stop;
  EarlyStop early(2, 0, /*by_loss=*/false);
  early.on_run_begin(began_with_errors());
  for (const double rmse : {700.0, 650.0, 600.5})
    early.on_evaluated(with_error(1, 1, rmse, 0.5), stop);
  EXPECT_FALSE(stop.requested()) << "it falls";
  early.on_evaluated(with_error(2, 1, 610, 0.6), stop);
  early.on_evaluated(with_error(3, 1, 620, 0.7), stop);
  EXPECT_TRUE(stop.requested());
  EXPECT_THAT(stop.message(), HasSubstr("rmse has not improved on 600.5 for 2 evaluations"));
}

TEST(EarlyStop, ShowsNegativeValuesAsTheyAre) {
  StopSignal stop;
  EarlyStop early(1, 0, /*by_loss=*/true);
  early.on_run_begin(began_with_errors());
  early.on_evaluated(with_error(1, -1.25, 1, 0), stop);
  early.on_evaluated(with_error(2, -1.0, 1, 0), stop);
  EXPECT_THAT(stop.message(), HasSubstr("loss has not improved on -1.2500 for 1 evaluations"));
}

TEST(EarlyStop, AMetricThatIsNoNumberIsNeverTheBest) {
  StopSignal stop;
  EarlyStop early(2, 0, /*by_loss=*/false);
  early.on_run_begin(began_with_errors());
  early.on_evaluated(with_error(1, 1, NAN, 0), stop);
  early.on_evaluated(with_error(2, 1, 5, 0), stop);
  early.on_evaluated(with_error(3, 1, 6, 0), stop);
  EXPECT_FALSE(stop.requested()) << "5 was the first number";
  StopSignal never;
  EarlyStop without(1, 0, /*by_loss=*/false);
  without.on_run_begin(began_with_errors());
  without.on_evaluated(with_error(1, 1, NAN, 0), never);
  EXPECT_THAT(never.message(), HasSubstr("rmse has not been a number for 1 evaluations"));
}

TEST(EarlyStop, CountsEvaluationsWithoutImprovement) {
  StopSignal stop;
  EarlyStop early(2, 0.01, /*by_loss=*/false);
  early.on_run_begin(began());
  for (const double accuracy : {0.5, 0.6, 0.605, 0.7, 0.7})
    early.on_evaluated(evaluated(1, 1, accuracy), stop);
  EXPECT_FALSE(stop.requested());
  early.on_evaluated(evaluated(9, 1, 0.705), stop);
  EXPECT_EQ(stop.reason(), StopReason::early_stopped);
  EXPECT_THAT(stop.message(),
              HasSubstr("has not improved on 0.7000 for 2 evaluations, by step 10"));
}

TEST(EarlyStop, ByLossAndAcrossARestart) {
  StopSignal stop;
  EarlyStop before(2, 0, /*by_loss=*/true);
  before.on_run_begin(began());
  before.on_evaluated(evaluated(1, 0.3, 0), stop);
  before.on_evaluated(evaluated(2, 0.4, 0), stop);
  EarlyStop after(2, 0, /*by_loss=*/true);
  after.on_run_begin(began());
  after.restore(before.state(), 3);
  EXPECT_FALSE(stop.requested());
  after.on_evaluated(evaluated(3, 0.31, 0), stop);
  EXPECT_TRUE(stop.requested());
}

TEST(EarlyStop, ALossThatIsNoNumberIsNeverTheBest) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  for (const bool by_loss : {true, false}) {
    StopSignal stop;
    EarlyStop before(2, 0, by_loss);
    before.on_run_begin(began());
    before.on_evaluated(evaluated(1, kNan, 0.1), stop);
    EarlyStop early(2, 0, by_loss);
    early.on_run_begin(began());
    early.restore(before.state(), 2);
    early.on_evaluated(evaluated(2, 0.9, 0.2), stop);
    early.on_evaluated(evaluated(3, 0.8, 0.3), stop);
    EXPECT_FALSE(stop.requested()) << "it improves";
    early.on_evaluated(evaluated(4, -std::numeric_limits<double>::infinity(), 0.9), stop);
    early.on_evaluated(evaluated(5, 0.85, 0.3), stop);
    EXPECT_TRUE(stop.requested());
  }
  StopSignal stop;
  EarlyStop never(1, 0, /*by_loss=*/false);
  never.on_run_begin(began());
  never.on_evaluated(evaluated(1, kNan, 0.1), stop);
  EXPECT_THAT(stop.message(), HasSubstr("loss has not been a number for 1 evaluations"));
}

TEST(Csv, ATornEventIsNotGluedToTheNext) {
  const TemporaryFolder folder;
  { EventLog(folder.path()).on_run_begin({}); }
  const std::string whole = read_bytes(folder / "events.csv");
  write_bytes(folder / "events.csv", whole + "2026-01-01T00:00:00Z,1,0.1,chec");
  EventLog(folder.path()).on_notice({Notice::Kind::resumed, 12, 1.5, "going\non"});
  const std::string text = read_bytes(folder / "events.csv");
  EXPECT_EQ(text.substr(0, whole.size()), whole);
  EXPECT_THAT(text.substr(whole.size()), HasSubstr(",12,1.5000,resumed,going on\n"));
  EXPECT_EQ(text.find("chec"), std::string::npos);
}

TEST(JsonLines, NumbersThatAreNoneAreTexts) {
  std::ostringstream out;
  JsonLines lines(out, "run");
  lines.on_run_begin(began());
  StopSignal stop;
  lines.on_evaluated(evaluated(1, -std::numeric_limits<double>::quiet_NaN(), 0.1), stop);
  lines.on_evaluated(evaluated(1, std::numeric_limits<double>::infinity(), 0.1), stop);
  EXPECT_THAT(out.str(), HasSubstr("\"validation_loss\":\"nan\""));
  EXPECT_THAT(out.str(), HasSubstr("\"validation_loss\":\"inf\""));
  EXPECT_THAT(out.str(), HasSubstr("\"test_loss\":null")) << "not evaluated";
}

TEST(Divergence, NeedsItsWindow) {
  StopSignal stop;
  DivergenceWatch watch(4, 3);
  watch.on_run_begin(began());
  watch.on_log_point(log_point(0, 2.3), stop);
  for (const double loss : {10.0, 11.0, 2.0, 10.0, 10.0})
    watch.on_log_point(log_point(1, loss), stop);
  EXPECT_FALSE(stop.requested());
  DivergenceWatch resumed(4, 3);
  resumed.on_run_begin(began());
  resumed.restore(watch.state(), 2);
  resumed.on_log_point(log_point(2, 10), stop);
  EXPECT_EQ(stop.reason(), StopReason::diverged);
}

TEST(Divergence, TheFirstLossIsTheReference) {
  StopSignal stop;
  DivergenceWatch watch(4, 1);
  watch.on_run_begin(began());
  watch.on_log_point(log_point(0, 8), stop);
  watch.on_log_point(log_point(1, 31), stop);
  EXPECT_FALSE(stop.requested());
  watch.on_log_point(log_point(2, 33), stop);
  EXPECT_TRUE(stop.requested());
}

TEST(Divergence, ALossOfZeroIsNoReference) {
  RunBegin begin = began();
  begin.guessing_loss.reset();
  StopSignal stop;
  DivergenceWatch first(4, 1);
  first.on_run_begin(begin);
  first.on_log_point(log_point(0, 0), stop);
  DivergenceWatch watch(4, 1);
  watch.on_run_begin(begin);
  watch.restore(first.state(), 1);
  for (const double loss : {0.0, 0.5, 1.9}) watch.on_log_point(log_point(1, loss), stop);
  EXPECT_FALSE(stop.requested());
  watch.on_log_point(log_point(2, 2.1), stop);
  EXPECT_TRUE(stop.requested()) << "more than 4 times 0.5";
}

// Minus the log of a density: 2 nats were gained, and 3 times that above the first is too much.
TEST(Divergence, OfLossesThatMayBeNegativeGoesByDifferences) {
  RunBegin begin = began();
  begin.guessing_loss.reset();
  begin.loss_may_be_negative = true;
  for (const double constant : {0.0, 5.0, -5.0}) {
    StopSignal stop;
    DivergenceWatch first(4, 1);
    first.on_run_begin(begin);
    for (const double loss : {-1.0, 1.9, -3.0})
      first.on_log_point(log_point(0, constant + loss), stop);
    DivergenceWatch watch(4, 1);
    watch.on_run_begin(begin);
    watch.restore(first.state(), 3);
    watch.on_log_point(log_point(3, constant + 4.9), stop);
    EXPECT_FALSE(stop.requested()) << constant;
    watch.on_log_point(log_point(4, constant + 5.1), stop);
    EXPECT_TRUE(stop.requested()) << constant;
  }
}

}  // namespace
}  // namespace onecycle
