#include "onecycle/error.h"

#include "core/format.h"
#include "report/content.h"
#include "report/run_figures.h"
#include "report/run_files.h"
#include "report/text.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace onecycle {

namespace {

constexpr std::size_t kMostRows = 60;  // of a table on the page

double last_finite(const std::vector<double>& values) {
  for (auto at = values.rbegin(); at != values.rend(); ++at)
    if (std::isfinite(*at)) return *at;
  return PlotAxis::kOpen;
}

// The event that ended the run; "" where the last session has none.
std::string ending_of(const CsvTable& events, std::string& message) {
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

void add_state(PageContent& content, const RunFiles& files) {
  std::string message;
  const std::string ending = ending_of(files.events, message);
  content.facts.emplace_back("state", ending.empty() ? "unfinished" : ending);
  if (ending.empty())
    content.warnings.emplace_back(
        "Unfinished: no end of this run is recorded. It is under way, or broke off; what follows "
        "is "
        "as far as it came.");
  if (!ending.empty() && ending != "finished")
    content.warnings.push_back("The run ended early, " + ending +
                               (message.empty() ? "." : ": " + message));
  if (files.metrics.cut_short || files.steps.cut_short || files.events.cut_short)
    content.warnings.emplace_back(
        "A file of this run is cut short; incomplete lines are left out.");
}

void add_best(PageContent& content, const CsvTable& metrics) {
  const auto epochs = metrics.numbers("epoch");
  const auto accuracy = metrics.numbers("validation_accuracy");
  const auto loss = metrics.numbers("validation_loss");
  std::size_t best = loss.size();
  for (std::size_t row = 0; row < loss.size(); ++row)
    if (std::isfinite(loss[row]) && (best == loss.size() || loss[row] < loss[best])) best = row;
  if (best < loss.size())
    content.facts.emplace_back("lowest validation loss",
                               format("{} at epoch {} ({})", human_number(loss[best]),
                                      human_number(epochs[best]), human_percent(accuracy[best])));
  const double test = last_finite(metrics.numbers("test_accuracy"));
  if (std::isfinite(test)) content.facts.emplace_back("last test accuracy", human_percent(test));
  const double test_loss = last_finite(metrics.numbers("test_loss"));
  if (std::isfinite(test_loss))
    content.facts.emplace_back("last test loss", human_number(test_loss));
}

void add_facts(PageContent& content, const RunFiles& files) {
  add_state(content, files);
  const CsvTable& longest =
      files.steps.rows.size() > files.metrics.rows.size() ? files.steps : files.metrics;
  const double step =
      std::fmax(last_finite(files.metrics.numbers("step")), last_finite(longest.numbers("step")));
  content.facts.emplace_back("steps", human_number(step + 1));
  content.facts.emplace_back("epochs", human_number(last_finite(longest.numbers("epoch"))));
  add_best(content, files.metrics);
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

struct Column {
  const char* name;
  const char* title;
  bool percent;
};
constexpr Column kColumns[] = {{"step", "step", false},
                               {"epoch", "epoch", false},
                               {"lr", "learning rate", false},
                               {"momentum", "momentum", false},
                               {"train_loss", "training loss", false},
                               {"train_accuracy", "training accuracy", true},
                               {"validation_loss", "validation loss", false},
                               {"validation_accuracy", "validation accuracy", true},
                               {"test_loss", "test loss", false},
                               {"test_accuracy", "test accuracy", true}};

std::string left_out(std::size_t rows, const char* file) {
  return rows > kMostRows
             ? format("The last {} of {} rows; all of them are in {}.", kMostRows, rows, file)
             : "";
}

PageTable evaluations_of(const CsvTable& metrics) {
  PageTable table;
  table.title = "Evaluations";
  table.note = left_out(metrics.rows.size(), "metrics.csv");
  const std::size_t first = metrics.rows.size() - std::min(kMostRows, metrics.rows.size());
  table.rows.resize(metrics.rows.size() - first);
  for (const Column& column : kColumns) {
    const auto texts = metrics.texts(column.name);
    const auto empty = [](const std::string& text) { return text.empty(); };
    if (std::all_of(texts.begin(), texts.end(), empty)) continue;
    const auto numbers = metrics.numbers(column.name);
    table.names.emplace_back(column.title);
    table.textual.push_back(false);
    for (std::size_t row = first; row < texts.size(); ++row) {
      std::string text = column.percent ? human_percent(numbers[row]) : human_number(numbers[row]);
      if (!texts[row].empty() && !std::isfinite(numbers[row])) text = texts[row];
      table.rows[row - first].push_back(std::move(text));
    }
  }
  return table;
}

PageTable events_of(const CsvTable& events) {
  PageTable table;
  table.title = "Events";
  table.note = left_out(events.rows.size(), "events.csv");
  table.names = {"time", "steps", "epoch", "event", "message"};
  table.textual = {true, false, false, true, true};
  const std::size_t first = events.rows.size() - std::min(kMostRows, events.rows.size());
  table.rows.resize(events.rows.size() - first);
  for (const std::string& name : table.names) {
    const auto texts = events.texts(name);
    const auto numbers = events.numbers(name);
    for (std::size_t row = first; row < texts.size(); ++row)
      table.rows[row - first].push_back(
          name == "steps" || name == "epoch" ? human_number(numbers[row]) : texts[row]);
  }
  return table;
}

}  // namespace

PageContent read_run(const std::string& folder) {
  const RunFiles files = read_run_files(folder);
  if (files.metrics.rows.empty() && files.steps.rows.empty())
    throw Error(folder + ": nothing to plot yet: no evaluation and no log point so far");
  PageContent content;
  content.title = files.name;
  content.subtitle = "training run, " + std::filesystem::path(folder).lexically_normal().string();
  content.recipe = files.recipe;
  add_facts(content, files);
  content.figures = run_figures(files);
  if (!files.metrics.rows.empty()) content.tables.push_back(evaluations_of(files.metrics));
  if (!files.events.rows.empty()) content.tables.push_back(events_of(files.events));
  return content;
}

}  // namespace onecycle
