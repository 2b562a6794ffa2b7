#include "cli/report_page.h"

#include "onecycle/error.h"

#include "cli/run_folder.h"
#include "core/files/paths.h"
#include "formats/safetensors/safetensors.h"

#include <filesystem>

namespace onecycle {

namespace {

// What the run was trained on, from its last checkpoint where there is a sound one.
void add_machine(const std::string& folder, Facts& facts) {
  try {
    std::vector<std::string> passed_over;
    const std::string weights = newest_weights(folder, passed_over);
    if (!std::filesystem::exists(weights)) return;
    const SafetensorsFile file(weights);
    const auto machine = file.metadata().find("machine");
    if (machine != file.metadata().end()) facts.emplace_back("machine", machine->second);
  } catch (const std::exception&) {
    facts.emplace_back("machine", "unknown: the last checkpoint cannot be read");
  }
}

}  // namespace

Report make_report(const std::string& folder, const std::string& page, bool pictures,
                   const std::vector<std::string>& words) {
  refuse_links_out_of(folder);
  ReportOptions options;
  options.page = page;
  options.words = words;
  if (!pictures) options.gnuplot = "";
  const LearningCurve curve = read_learning_curve(folder);
  if (!curve.points.empty())
    options.words.push_back("Verdict: " + judge(curve.points, curve.lr_max).text);
  add_machine(last_run_of(folder), options.facts);
  options.facts.emplace_back("report by", std::string("onecycle ") + ONECYCLE_VERSION);
  return write_report(folder, options);
}

std::string report_at_end(const std::string& folder, bool pictures, const Console& console,
                          const std::vector<std::string>& words) {
  try {
    return make_report(folder, "", pictures, words).page;
  } catch (const NothingToPlot&) {
    return "";
  } catch (const Error& error) {
    console.warn(std::string("no report: ") + error.what());
    return "";
  }
}

}  // namespace onecycle
