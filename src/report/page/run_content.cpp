#include "onecycle/error.h"

#include "core/text/format.h"
#include "report/figures/run_figures.h"
#include "report/page/content.h"
#include "report/page/run_answer.h"
#include "report/page/text.h"
#include "report/run_files.h"
#include "report/run_tables.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace onecycle {

namespace {

double last_finite(const std::vector<double>& values) {
  const std::size_t last = last_row(values);
  return last < values.size() ? values[last] : PlotAxis::kOpen;
}

// The event that ended the run; "" where the last session has none.
std::string ending_of(const RunCsv& events, std::string& message) {
  const auto names = events.texts("event");
  const auto messages = events.texts("message");
  std::string ending;
  for (std::size_t row = 0; row < names.size(); ++row) {
    const std::string& name = names[row];
    if (name == "started" || name == "resumed") ending.clear();
    if (name != "finished" && name != "diverged" && name != "early_stopped" &&
        name != "interrupted" && name != "out_of_memory")
      continue;
    ending = name;
    message = messages[row];
  }
  std::replace(ending.begin(), ending.end(), '_', ' ');
  return ending;
}

void add_state(PageContent& content, const RunFiles& files, const std::string& folder) {
  std::string message;
  const std::string ending = ending_of(files.events, message);
  content.answer = answer_of(files);
  content.commands = next_of(files, folder, ending);
  content.facts.emplace_back("state", ending.empty() ? "unfinished" : ending);
  if (ending.empty())
    content.warnings.emplace_back(
        "Unfinished: no end of this run is recorded. It is under way, or was cut off; what follows "
        "is as far as it got.");
  if (!ending.empty() && ending != "finished")
    content.warnings.push_back("The run ended early, " + ending +
                               (message.empty() ? "." : ": " + message));
  if (files.metrics.cut_short || files.steps.cut_short || files.events.cut_short)
    content.warnings.emplace_back(
        "A file of this run is cut short; incomplete lines are left out.");
}

// "55.00 %"; a number that is none is named: "rmse 0.0312".
std::string beside_loss(const Metric& kind, double value) {
  const std::string text = human_metric(kind, value);
  return kind.is_fraction ? text : human_name(kind) + " " + text;
}

void add_best(PageContent& content, const RunFiles& files) {
  const RunCsv& metrics = files.metrics;
  const bool any = !files.kinds.empty();  // of what follows, the first is meant
  const Metric kind = any ? files.kinds.front() : Metric{};
  const auto epochs = metrics.numbers("epoch");
  const auto values = metrics.numbers("validation_" + kind.name);
  const auto loss = metrics.numbers("validation_loss");
  const std::size_t best = best_row(loss, /*larger_is_better=*/false);
  if (best < loss.size())
    content.facts.emplace_back(
        "lowest validation loss",
        format("{} at epoch {}{}", human_number(loss[best]), human_number(epochs[best]),
               any ? format(" ({})", beside_loss(kind, values[best])) : ""));
  const double test = last_finite(metrics.numbers("test_loss"));
  if (!std::isfinite(test)) return;
  if (!any) {
    content.facts.emplace_back("last test loss", human_number(test));
    return;
  }
  const double last = last_finite(metrics.numbers("test_" + kind.name));
  content.facts.emplace_back("last test " + human_name(kind),
                             format("{} (loss {})", human_metric(kind, last), human_number(test)));
}

void add_facts(PageContent& content, const RunFiles& files, const std::string& folder) {
  add_state(content, files, folder);
  const RunCsv& longest =
      files.steps.rows.size() > files.metrics.rows.size() ? files.steps : files.metrics;
  const double step =
      std::fmax(last_finite(files.metrics.numbers("step")), last_finite(longest.numbers("step")));
  content.facts.emplace_back("steps", format("{} ({} epochs)", human_number(step),
                                             human_number(last_finite(longest.numbers("epoch")))));
  add_best(content, files);
  if (files.lr_max > 0)
    content.facts.emplace_back("peak learning rate", human_number(files.lr_max));
  const double seconds = last_finite(files.metrics.numbers("seconds"));
  if (std::isfinite(seconds))
    content.facts.emplace_back(
        "time", format("{} ({} of it training)", human_seconds(seconds),
                       human_seconds(last_finite(files.metrics.numbers("train_seconds")))));
  auto speed = files.steps.numbers("samples_per_second");
  std::erase_if(speed, [](double value) { return !std::isfinite(value); });
  if (speed.empty()) return;
  std::nth_element(speed.begin(), speed.begin() + static_cast<std::ptrdiff_t>(speed.size() / 2),
                   speed.end());
  content.facts.emplace_back("throughput",
                             human_number(speed[speed.size() / 2]) + " samples/s (median)");
}

}  // namespace

PageContent read_run(const std::string& folder) {
  const RunFiles files = read_run_files(folder);
  if (files.metrics.rows.empty() && files.steps.rows.empty())
    throw NothingToPlot(folder, "no evaluation and no log point so far");
  PageContent content;
  content.title = files.name;
  const std::string place = std::filesystem::path(folder).lexically_normal().string();
  content.subtitle = "training run, " + place;
  content.recipe = files.recipe;
  content.machine = files.origin;
  add_facts(content, files, place);
  content.figures = run_figures(files);
  if (!files.metrics.rows.empty()) content.tables = evaluations_of(files);
  if (!files.events.rows.empty()) content.tables.push_back(events_of(files.events));
  return content;
}

}  // namespace onecycle
