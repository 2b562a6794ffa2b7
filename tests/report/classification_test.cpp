// The numbers of an evaluation by hand, and its page.

#include "onecycle/classification.h"

#include "onecycle/error.h"
#include "onecycle/evaluation_report.h"

#include "support/temporary_folder.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// Seven samples of three classes; the fifth ties.
const std::vector<float> kProbabilities = {.7f,  .2f,  .1f,  .1f,  .75f, .15f, .65f,
                                           .3f,  .05f, .05f, .05f, .9f,  .3f,  .45f,
                                           .25f, .5f,  .5f,  0,    .02f, .72f, .26f};
const std::vector<std::int64_t> kLabels = {0, 1, 1, 0, 1, 0, 2};

Classification seven() { return classification_of(kProbabilities, kLabels, {"a", "b,c", "d"}); }

TEST(Classification, ConfusionByHand) {
  const Classification result = seven();
  EXPECT_EQ(result.samples, 7);
  EXPECT_DOUBLE_EQ(result.accuracy, 4.0 / 7);
  EXPECT_THAT(result.confusion,
              ElementsAre(ElementsAre(2, 0, 1), ElementsAre(1, 2, 0), ElementsAre(0, 1, 0)));
  EXPECT_DOUBLE_EQ(*result.recall(0), 2.0 / 3);
  EXPECT_DOUBLE_EQ(*result.recall(2), 0);
  EXPECT_DOUBLE_EQ(*result.precision(1), 2.0 / 3);
  EXPECT_DOUBLE_EQ(*result.precision(2), 0);
  EXPECT_DOUBLE_EQ(*result.f1(1), 2.0 / 3);
  EXPECT_FALSE(result.top5);
  EXPECT_EQ(confusion_csv(result), "label,a,\"b,c\",d\na,2,0,1\n\"b,c\",1,2,0\nd,0,1,0\n");
}

TEST(Classification, ClassesBeginNoFormula) {
  const Classification result =
      classification_of(kProbabilities, kLabels, {"=1+1", "-2", "@a,b"}, 0);
  EXPECT_THAT(confusion_csv(result), testing::StartsWith("label,'=1+1,-2,\"'@a,b\"\n'=1+1,"));
}

// The confidences .7 and .72 share the interval (10/15, 11/15]; each other sample has its own.
TEST(Classification, CalibrationByHand) {
  const Classification result = seven();
  ASSERT_EQ(result.bins.size(), 15u);
  EXPECT_EQ(result.bins[10].samples, 2);
  EXPECT_NEAR(result.bins[10].confidence, .71, 1e-7);
  EXPECT_DOUBLE_EQ(result.bins[10].accuracy, .5);
  EXPECT_EQ(result.bins[13].samples, 1);
  EXPECT_DOUBLE_EQ(result.bins[13].accuracy, 0);
  EXPECT_NEAR(result.ece, (2 * .21 + .25 + .65 + .9 + .55 + .5) / 7, 1e-7);
  EXPECT_NEAR(result.overconfidence, (4.67 - 4) / 7, 1e-7);
}

TEST(Classification, WorstMistakesFirst) {
  const Classification result = seven();
  ASSERT_EQ(result.mistakes.size(), 3u);
  EXPECT_EQ(result.mistakes[0].sample, 3);
  EXPECT_EQ(result.mistakes[0].predicted, 2);
  EXPECT_NEAR(result.mistakes[0].confidence, .9, 1e-7);
  EXPECT_EQ(result.mistakes[1].sample, 6);
  EXPECT_NEAR(result.mistakes[1].label_probability, .26, 1e-7);
  EXPECT_EQ(result.mistakes[2].sample, 2);
  EXPECT_EQ(classification_of(kProbabilities, kLabels, {"a", "b", "c"}, 1).mistakes.size(), 1u);
}

TEST(Classification, AmongTheFiveMostProbable) {
  const std::vector<float> rows = {.1f, .2f, .3f, .25f, .1f, .05f, .05f, .2f, .3f, .25f, .1f, .1f};
  const std::vector<std::int64_t> last_and_first = {5, 0};
  const auto result = classification_of(rows, last_and_first, {"a", "b", "c", "d", "e", "f"});
  EXPECT_DOUBLE_EQ(*result.top5, 0);
  const std::vector<std::int64_t> fourth = {0, 5};
  EXPECT_DOUBLE_EQ(*classification_of(rows, fourth, {"a", "b", "c", "d", "e", "f"}).top5, 1);
}

TEST(Classification, CertaintyAndEmptyClasses) {
  const std::vector<float> rows = {1, 0, 0, 1};
  const auto result = classification_of(rows, std::vector<std::int64_t>{0, 1}, {"a", "b"});
  EXPECT_EQ(result.bins[14].samples, 2);
  EXPECT_DOUBLE_EQ(result.ece, 0);
  const auto empty = classification_of(rows, std::vector<std::int64_t>{0, 0}, {"a", "b"});
  EXPECT_FALSE(empty.recall(1));
  EXPECT_DOUBLE_EQ(*empty.precision(1), 0);
}

EvaluationReport report_of_seven() {
  EvaluationReport report;
  report.title = "<b>seven</b>";
  report.subtitle = "test split";
  report.result = seven();
  report.result.classes[0] = "<script>alert(1)</script>";
  for (int i = 0; i < 3; ++i)
    report.pictures.push_back({2, 2, 3, std::vector<std::uint8_t>(12, 200)});
  return report;
}

TEST(EvaluationReport, IsOnePageWithItsFiles) {
  const TemporaryFolder folder;
  const Report report = write_evaluation_report(report_of_seven(), folder / "eval.html");
  const std::string page = read_bytes(report.page);
  for (const char* part :
       {"Confusion matrix", "57.14 %", "Worst mistakes", "Reliability",
        "data:image/png;base64,iVBORw0KGgo", "predicted d", "<th>recall</th>", "true \\ predicted"})
    EXPECT_THAT(page, HasSubstr(part));
  EXPECT_THAT(page, Not(HasSubstr("taken for")));
  EXPECT_THAT(page, Not(HasSubstr("ecognised")));
  EXPECT_THAT(page, Not(HasSubstr("<script>alert"))) << "names are text";
  EXPECT_THAT(page, Not(HasSubstr("<b>seven")));
  EXPECT_THAT(read_bytes(folder / "eval/confusion.csv"), HasSubstr("\"b,c\",1,2,0\n"));
  EXPECT_THAT(
      read_bytes(folder / "eval/mistakes.csv"),
      testing::StartsWith("sample,label,predicted,confidence,label_probability\n3,0,2,0.8"));
  EXPECT_THAT(read_bytes(folder / "eval/reliability.csv"), HasSubstr("measured"));
  EXPECT_THROW(write_evaluation_report(report_of_seven(), folder / "eval.txt"), UsageError);
}

TEST(EvaluationReport, AMatrixOfManyClassesFitsThePage) {
  const TemporaryFolder folder;
  EvaluationReport report;
  for (int i = 0; i < 21; ++i) report.result.classes.push_back("c" + std::to_string(i));
  report.result.confusion.assign(21, std::vector<std::int64_t>(21, 0));
  report.result.confusion[3][4] = 1234;
  report.result.bins.resize(1);
  const std::string many = read_bytes(write_evaluation_report(report, folder / "a.html").page);
  EXPECT_THAT(many, HasSubstr("<table class=\"matrix many\">"));
  EXPECT_THAT(many, HasSubstr("title=\"1234\"></td>")) << "no room for its digits";
  report.result.classes.pop_back();
  report.result.confusion.pop_back();
  for (auto& row : report.result.confusion) row.pop_back();
  const std::string few = read_bytes(write_evaluation_report(report, folder / "b.html").page);
  EXPECT_THAT(few, HasSubstr("<table class=\"matrix\">"));
  EXPECT_THAT(few, HasSubstr(">1234</td>"));
}

TEST(EvaluationReport, PicturesMustBeWhatTheySay) {
  const TemporaryFolder folder;
  EvaluationReport report = report_of_seven();
  report.pictures[0].pixels.pop_back();
  EXPECT_THROW(write_evaluation_report(report, folder / "eval.html"), Error);
  report.pictures[0] = {2, 2, 2, std::vector<std::uint8_t>(8, 1)};
  EXPECT_THROW(write_evaluation_report(report, folder / "eval.html"), Error);
}

}  // namespace
}  // namespace onecycle
