#include "onecycle/report.h"

#include "cli/command.h"
#include "cli/run_folder.h"
#include "core/format.h"
#include "core/safetensors.h"

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

namespace onecycle {

namespace {

constexpr const char* kExamples = R"(  onecycle report runs/quickstart/1
  onecycle report runs/quickstart/1 --out compare/quickstart.html
  onecycle report runs/quickstart/1 --json
The page is one file that opens offline; SVG, PNG, CSV and JSON of each figure lie in a folder
beside it. Works on a run under way, or broken off, as far as it came.
)";

// What the run was trained on, from its last checkpoint where there is a sound one.
void add_machine(const std::string& folder, Facts& facts) {
  if (!std::filesystem::exists(weights_path(folder))) return;
  try {
    const SafetensorsFile file(weights_path(folder));
    const auto machine = file.metadata().find("machine");
    if (machine != file.metadata().end()) facts.emplace_back("machine", machine->second);
  } catch (const std::exception&) {
    facts.emplace_back("machine", "unknown: the last checkpoint cannot be read");
  }
}

}  // namespace

int report_command(int argc, char** argv) {
  CommandLine line("report", "One HTML page about a training run or a range test, with its plots.",
                   "RUN_DIR|RANGE_DIR [--out FILE.html]", kExamples);
  line.add_positional();
  line.add_option("out", "FILE.html", "where the page goes (default: report.html in the folder)");
  if (!line.parse(argc, argv)) return 0;

  const std::string folder = line.single("RUN_DIR");
  ReportOptions options;
  options.page = line.text("out");
  const RunCourse course = read_run_course(folder);
  if (!course.points.empty())
    options.words.push_back("Verdict: " + judge(course.points, course.lr_max).text);
  add_machine(folder, options.facts);
  options.facts.emplace_back("report by", std::string("onecycle ") + ONECYCLE_VERSION);
  const Report report = write_report(folder, options);

  for (const std::string& note : report.notes) line.console().warn(note);
  if (line.json()) {
    std::cout << nlohmann::ordered_json{{"event", "report"}, {"report", report.page}}.dump()
              << std::endl;
  } else {
    line.console().say(format("report {}; plots and their data in {}", report.page, report.files));
  }
  return 0;
}

}  // namespace onecycle
