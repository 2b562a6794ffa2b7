#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/text/metric_text.h"
#include "report/page/content.h"
#include "report/page/text.h"
#include "report/range_file.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace onecycle {

namespace fs = std::filesystem;

namespace {

constexpr int kSeriesColours = 6;
constexpr int kMetricColumn = 3;
constexpr double kWorthSeeing = 1.5;  // of the lowest loss, or nats above one that is not positive;
                                      // what is above is cut off

bool chosen(const Json& trial) {
  return trial.is_object() && trial.contains("chosen") && trial["chosen"] == true;
}

PageTable choices_of(const Json& tuning) {
  PageTable table;
  table.title = "What was chosen";
  table.names = {"choice", "value", "how sure", "evidence"};
  table.textual = {true, true, true, true};
  for (const Json& choice : list_in(tuning, "choices"))
    table.rows.push_back({text_in(choice, "what"), text_in(choice, "value"),
                          text_in(choice, "sure"), text_in(choice, "evidence")});
  table.note = "Numbers under evidence are validation losses of whole cycles of equal length.";
  return table;
}

PageTable trials_of(const Json& tuning) {
  PageTable table;
  table.title = "Trials";
  const Metric metric = metric_in(tuning);
  const bool has_metric = !says_no_metric(tuning);
  table.names = {"choice", "trial", "validation loss", "epochs", "chosen"};
  table.textual = {true, true, false, false, true};
  if (has_metric) {
    table.names.insert(table.names.begin() + kMetricColumn, "validation " + human_name(metric));
    table.textual.insert(table.textual.begin() + kMetricColumn, false);
  }
  for (const Json& choice : list_in(tuning, "choices"))
    for (const Json& trial : list_in(choice, "trials")) {
      const double loss = number_in(trial, "loss");
      std::vector<std::string> row = {text_in(choice, "what"), text_in(trial, "label"),
                                      std::isfinite(loss) ? human_number(loss) : "diverged",
                                      human_number(number_in(trial, "epochs")),
                                      chosen(trial) ? "yes" : ""};
      if (has_metric)
        row.insert(row.begin() + kMetricColumn,
                   human_metric(metric, number_in(trial, metric.name)));
      table.rows.push_back(std::move(row));
    }
  return table;
}

// The trials of every choice in the order they were made.
Figure trials_figure(const Json& tuning) {
  Figure figure;
  figure.name = "trials";
  figure.title = "Validation loss of every trial";
  figure.note = "Lower is better, among trials of one colour. Lines mark what was chosen.";
  figure.x.label = "trial";
  figure.y.label = "loss";
  int colour = 0;
  double number = 0;
  double lowest = INFINITY;
  double highest = -INFINITY;
  for (const Json& choice : list_in(tuning, "choices")) {
    PlotSeries series;
    series.label = text_in(choice, "what");
    series.style = PlotSeries::Style::points;
    series.colour = colour;
    for (const Json& trial : list_in(choice, "trials")) {
      ++number;
      const double loss = number_in(trial, "loss");
      if (!std::isfinite(loss)) continue;
      series.x.push_back(number);
      series.y.push_back(loss);
      lowest = std::min(lowest, loss);
      highest = std::max(highest, loss);
      if (chosen(trial)) figure.marks.push_back({text_in(trial, "label"), number, loss, true});
    }
    if (series.x.empty()) continue;
    colour = (colour + 1) % kSeriesColours;
    figure.series.push_back(std::move(series));
  }
  const double high = lowest > 0 ? kWorthSeeing * lowest : lowest + kWorthSeeing;
  if (highest > high) {
    figure.y.high = high;
    figure.note += format(" Losses above {} are cut off.", human_number(figure.y.high));
  }
  return figure;
}

// A folder beside tuning.json, by the name in it; "" for a name that leads elsewhere.
std::string folder_in(const std::string& folder, const Json& tuning, const char* key) {
  const fs::path name = text_in(tuning, key);
  const bool leads_out = std::find(name.begin(), name.end(), "..") != name.end();
  if (name.empty() || name.is_absolute() || leads_out) return "";
  return folder + "/" + name.string();
}

void add_figures(PageContent& content, std::vector<Figure> figures, const std::string& part,
                 const std::string& title) {
  for (Figure& figure : figures) {
    figure.name = part + "-" + figure.name;
    figure.title = title + ": " + figure.title;
    content.figures.push_back(std::move(figure));
  }
}

void add_range_test(PageContent& content, const std::string& folder, const std::string& part,
                    const std::string& title) {
  if (folder.empty() || !is_range_test(folder)) return;
  add_figures(content, range_figures(read_range_file(folder + "/range_test.json")), part, title);
}

}  // namespace

bool is_tuning(const std::string& folder) { return fs::exists(folder + "/tuning.json"); }

PageContent read_tuning(const std::string& folder) {
  const Json tuning = read_range_file(folder + "/tuning.json");
  PageContent content;
  content.title = text_in(tuning, "name");
  content.subtitle = "tuning, " + fs::path(folder).lexically_normal().string();
  const std::string refused = text_in(tuning, "refused");
  if (!refused.empty()) content.warnings.push_back("No recipe: " + refused);
  for (const Json& word : list_in(tuning, "words"))
    if (word.is_string()) content.words.push_back(word.get<std::string>());

  const std::string last_run = folder_in(folder, tuning, "final");
  const bool trained = !last_run.empty() && fs::exists(last_run + "/metrics.csv");
  PageContent run;
  if (trained) run = read_run(last_run);
  content.facts = run.facts;
  content.facts.emplace_back(
      "search", format("{} epochs, {}", human_number(number_in(tuning, "search_epochs")),
                       human_seconds(number_in(tuning, "search_seconds"))));
  content.warnings.insert(content.warnings.end(), run.warnings.begin(), run.warnings.end());
  content.summary.push_back(choices_of(tuning));
  add_range_test(content, folder_in(folder, tuning, "range_test"), "range", "Range test");
  Figure trials = trials_figure(tuning);
  if (!trials.series.empty()) content.figures.push_back(std::move(trials));
  add_range_test(content, folder_in(folder, tuning, "confirming_range_test"), "confirming",
                 "Confirming range test");
  add_figures(content, std::move(run.figures), "final", "Final run");
  content.tables.push_back(trials_of(tuning));
  for (PageTable& table : run.tables) content.tables.push_back(std::move(table));
  content.recipe = text_in(tuning, "recipe");
  return content;
}

std::string last_run_of(const std::string& folder) {
  return is_tuning(folder) ? folder + "/final" : folder;
}

}  // namespace onecycle
