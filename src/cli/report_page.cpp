#include "cli/report_page.h"

#include "onecycle/build.h"
#include "onecycle/error.h"
#include "onecycle/predictor.h"

#include "cli/progress.h"
#include "cli/run_folder.h"
#include "core/files/paths.h"
#include "formats/safetensors/safetensors.h"
#include "recipe/recipe_changes.h"

#include <filesystem>
#include <optional>

namespace onecycle {

namespace {

// Of the run's last checkpoint; none before there is one, nothing where it cannot be read.
std::optional<Metadata> last_metadata(const std::string& folder) {
  try {
    std::vector<std::string> passed_over;
    const std::string weights = newest_weights(folder, passed_over);
    if (!std::filesystem::exists(weights)) return Metadata();
    return SafetensorsFile(weights).metadata();
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

// What the run was trained on.
void add_machine(const std::optional<Metadata>& metadata, Facts& facts) {
  if (!metadata) {
    facts.emplace_back("machine", "unknown: the last checkpoint cannot be read");
    return;
  }
  const auto machine = metadata->find("machine");
  if (machine != metadata->end()) facts.emplace_back("machine", machine->second);
}

// What the run's task says of its losses counts where a checkpoint tells which it is.
Verdict verdict_of(const LearningCurve& curve, const std::optional<Metadata>& metadata,
                   const std::string& folder) {
  if (metadata) {
    try {
      if (const auto known = task_in(*metadata, folder)) {
        const auto task = make_task(*known, builtin_tasks());
        return judge(curve.points, curve.lr_max, task->loss_may_be_negative(),
                     task->guessing_loss());
      }
    } catch (const Error&) {
    }
  }
  return judge(curve.points, curve.lr_max);
}

}  // namespace

Report make_report(const std::string& folder, const std::string& page, bool pictures,
                   const Console& console) {
  refuse_links_out_of(folder);
  ReportOptions options;
  options.page = page;
  if (!pictures) options.gnuplot = "";
  options.changes = [](const std::string& recipe) {
    return changes_from_defaults(recipe, Registries().variants());
  };
  options.drawing = [watch = load_watch(console)](std::int64_t drawn, std::int64_t of) {
    watch.progress("drawing figures", drawn, of);
  };
  const LearningCurve curve = read_learning_curve(folder);
  const auto metadata = last_metadata(last_run_of(folder));
  if (!curve.points.empty()) {
    const Verdict verdict = verdict_of(curve, metadata, folder);
    // What cannot be said yet is not said first.
    if (verdict.judgement == Judgement::too_early)
      options.facts.emplace_back("verdict", verdict.text);
    else
      options.words.push_back("Verdict: " + verdict.text);
  }
  add_machine(metadata, options.facts);
  options.facts.emplace_back("report by", std::string("onecycle ") + ONECYCLE_VERSION);
  return write_report(folder, options);
}

std::string report_at_end(const std::string& folder, bool pictures, const Console& console) {
  try {
    return make_report(folder, "", pictures, console).page;
  } catch (const NothingToPlot&) {
    return "";
  } catch (const Error& error) {
    console.warn(std::string("no report: ") + error.what());
    return "";
  }
}

}  // namespace onecycle
