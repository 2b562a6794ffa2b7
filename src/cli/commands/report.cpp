#include "cli/command.h"
#include "cli/console.h"
#include "cli/report_page.h"
#include "core/text/format.h"
#include "core/text/json.h"

namespace onecycle {

namespace {

constexpr const char* kReportExamples = R"(  onecycle report runs/quickstart/1
  onecycle report runs/quickstart/1 --out compare/quickstart.html
  onecycle report runs/quickstart/1 --json
The page is one file that opens offline; SVG, PNG, CSV and JSON of each figure lie in a folder
beside it. Works on a run under way, or cut off, as far as it got.
)";

}  // namespace

int report_command(int argc, char** argv) {
  CommandLine line("report",
                   "One HTML page about a training run, a range test or a tuning, with its plots.",
                   "RUN_DIR|RANGE_DIR|TUNE_DIR [--out FILE.html]", kReportExamples);
  line.add_positional();
  line.add_option("out", "FILE.html", "where the page goes (default: report.html in the folder)");
  if (!line.parse(argc, argv)) return 0;

  const std::string folder = line.single("RUN_DIR");
  const Report report = make_report(folder, line.text("out"), /*pictures=*/true, line.console());

  for (const std::string& note : report.notes) line.console().warn(note);
  if (line.json()) {
    print_json(Json{{"event", "report"}, {"report", report.page}});
  } else {
    line.console().say(format("report {}; plots and their data in {}", report.page, report.files));
  }
  return 0;
}

}  // namespace onecycle
