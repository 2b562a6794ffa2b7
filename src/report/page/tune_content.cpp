#include "onecycle/error.h"

#include "core/process/this_process.h"
#include "core/text/format.h"
#include "core/text/metric_text.h"
#include "core/text/number.h"
#include "core/text/shell_word.h"
#include "options/differences.h"
#include "report/figures/trial_figures.h"
#include "report/page/content.h"
#include "report/page/text.h"
#include "report/range_file.h"
#include "report/run_csv.h"
#include "yaml/yaml.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace onecycle {

namespace fs = std::filesystem;

namespace {

constexpr int kMetricColumn = 3;

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
                                      is_chosen(trial) ? "yes" : ""};
      if (has_metric)
        row.insert(row.begin() + kMetricColumn,
                   human_metric(metric, number_in(trial, metric.name)));
      table.rows.push_back(std::move(row));
    }
  return table;
}

// Six digits: decays come out of a division.
std::string rounded(const std::string& text) {
  const auto number = parse_number(text);
  return number ? number_text(parse_number(format("{:.6g}", *number)).value_or(*number)) : text;
}

// What tuning changed of the recipe that it began with; empty where one of the two is not there.
std::vector<Difference> changes_of(const std::string& folder, const Json& tuning) {
  const std::string path = folder + "/recipe.yaml";
  const std::string tuned = text_in(tuning, "recipe");
  if (tuned.empty() || !text_in(tuning, "refused").empty() || !fs::exists(path)) return {};
  try {
    auto changes = differing(parse_yaml(read_text_file(path), path), parse_yaml(tuned, "tuned"));
    for (Difference& change : changes)
      change.before = rounded(change.before), change.after = rounded(change.after);
    return changes;
  } catch (const RecipeError&) {
    return {};
  }
}

PageTable before_and_after(const std::vector<Difference>& changes) {
  PageTable table;
  table.title = "Before and after";
  table.names = {"option", "before", "after"};
  table.textual = {true, true, true};
  for (const Difference& change : changes)
    table.rows.push_back({change.path, change.before, change.after});
  return table;
}

// The result, as what is to be typed.
void add_answer(PageContent& content, const std::vector<Difference>& changes,
                const std::string& place) {
  if (changes.empty()) return;
  std::vector<std::string> steps;
  std::vector<std::string> sets;
  for (const Difference& change : changes) {
    sets.push_back("--set " + shell_word(change.path + "=" + change.after));
    if (!change.path.starts_with("train."))  // what it was found at, no result
      steps.push_back(format("{} {} → {}", change.path.substr(change.path.rfind('.') + 1),
                             change.before, change.after));
  }
  content.answer = joined(steps, ", ");
  content.commands.push_back(
      {"train with it", program_name() + " train " + shell_word(place + "/tuned.yaml")});
  content.commands.push_back({"or with your recipe", joined(sets, " ")});
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
  const std::string place = fs::path(folder).lexically_normal().string();
  content.subtitle = "tuning, " + place;
  const std::vector<Difference> changes = changes_of(folder, tuning);
  add_answer(content, changes, place);
  const std::string refused = text_in(tuning, "refused");
  if (!refused.empty()) content.warnings.push_back("No recipe: " + refused);
  for (const Json& word : list_in(tuning, "words"))
    if (word.is_string()) content.words.push_back(word.get<std::string>());

  const std::string last_run = folder_in(folder, tuning, "final");
  const bool trained = !last_run.empty() && fs::exists(last_run + "/metrics.csv");
  PageContent run;
  if (trained) run = read_run(last_run);
  if (!run.answer.empty())
    content.words.insert(content.words.begin(), "Trained with it: " + run.answer);
  content.facts = run.facts;
  content.machine = run.machine;
  content.facts.emplace_back(
      "search", format("{} epochs, {}", human_number(number_in(tuning, "search_epochs")),
                       human_seconds(number_in(tuning, "search_seconds"))));
  content.warnings.insert(content.warnings.end(), run.warnings.begin(), run.warnings.end());
  if (!changes.empty()) content.summary.push_back(before_and_after(changes));
  content.summary.push_back(choices_of(tuning));
  for (Figure& trials : trial_figures(tuning)) content.figures.push_back(std::move(trials));
  add_range_test(content, folder_in(folder, tuning, "range_test"), "range", "Range test");
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
