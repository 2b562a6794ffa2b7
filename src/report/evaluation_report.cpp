#include "onecycle/evaluation_report.h"

#include "core/files/files.h"
#include "core/text/format.h"
#include "core/text/number.h"
#include "report/page/evaluation_content.h"

namespace onecycle {

namespace {

// Classes by their numbers, from 0.
std::string mistakes_csv(const Classification& result) {
  std::string text = "sample,label,predicted,confidence,label_probability\n";
  for (const Mistake& mistake : result.mistakes)
    text += format("{},{},{},{},{}\n", mistake.sample, mistake.label, mistake.predicted,
                   number_text(mistake.confidence), number_text(mistake.label_probability));
  return text;
}

}  // namespace

Report write_evaluation_report(const EvaluationReport& evaluation, const std::string& page) {
  ReportOptions options;
  options.gnuplot = "";
  Report report = write_page(evaluation_content(evaluation), page, options);
  write_file_atomically(report.files + "/confusion.csv", {confusion_csv(evaluation.result)});
  write_file_atomically(report.files + "/mistakes.csv", {mistakes_csv(evaluation.result)});
  return report;
}

}  // namespace onecycle
