#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/text/metric_text.h"
#include "report/page/content.h"
#include "report/page/text.h"
#include "report/range_file.h"

#include <cmath>
#include <filesystem>

namespace onecycle {

namespace {

PageTable rules_of(const Json& test) {
  PageTable table;
  table.title = "What each rule answers";
  table.names = {"rule", "learning rate", "why"};
  table.textual = {true, false, true};
  for (const Json& one : list_in(test, "suggestions"))
    table.rows.push_back(
        {text_in(one, "rule"), human_number(number_in(one, "lr")), text_in(one, "reason")});
  return table;
}

PageTable sweeps_of(const Json& test) {
  PageTable table;
  table.title = "Sweeps";
  table.names = {"sweep", "shape", "seed", "steps", "from", "to", "ended early"};
  table.textual = {true, true, false, false, false, false, true};
  for (const Json& sweep : list_in(test, "sweeps")) {
    const Json& points = list_in(sweep, "points");
    const bool any = !points.empty();
    table.rows.push_back(
        {text_in(sweep, "label"), text_in(sweep, "shape"), human_number(number_in(sweep, "seed")),
         human_number(static_cast<double>(points.size())),
         any ? human_number(number_in(points.front(), "lr")) : "–",
         any ? human_number(number_in(points.back(), "lr")) : "–", text_in(sweep, "stopped")});
  }
  return table;
}

void add_answer(PageContent& content, const Json& test) {
  const double best = number_in(test, "lr_max");
  const double other = number_in(test, "lr_other");
  if (!std::isfinite(best)) return;
  content.answer =
      format("The largest useful learning rate is {}{}.", human_number(best),
             std::isfinite(other) ? format(" (or {}: a close call)", human_number(other)) : "");
  const std::string settings = text_in(test, "settings");
  if (!settings.empty()) content.commands.push_back({"take it with", settings});
  const Json& suggestions = list_in(test, "suggestions");
  if (!suggestions.empty() && !text_in(suggestions.front(), "reason").empty())
    content.words.push_back(format("Why: {}.", text_in(suggestions.front(), "reason")));
}

void add_facts(PageContent& content, const Json& test) {
  content.facts.emplace_back("lr_max", human_number(number_in(test, "lr_max")));
  content.facts.emplace_back("lr_min", human_number(number_in(test, "lr_min")));
  content.facts.emplace_back("sweeps",
                             human_number(static_cast<double>(list_in(test, "sweeps").size())));
}

}  // namespace

bool is_range_test(const std::string& folder) {
  return std::filesystem::exists(folder + "/range_test.json");
}

PageContent read_range_test(const std::string& folder) {
  const Json test = read_range_file(folder + "/range_test.json");
  PageContent content;
  content.title = text_in(test, "name");
  if (content.title.empty()) content.title = "Range test";
  content.subtitle =
      "learning-rate range test, " + std::filesystem::path(folder).lexically_normal().string();
  const std::string refused = text_in(test, "refused");
  if (!refused.empty()) content.warnings.push_back("No number: " + refused);
  if (test.contains("uncertain") && test["uncertain"] == true)
    content.warnings.push_back(
        std::string("Uncertain: where learning ends differs by more than ten times between seeds, "
                    "or between ") +
        (text_in(test, "measure") == "loss" ? "held-out and training loss."
                                            : human_name(metric_in(test)) + " and loss."));
  add_answer(content, test);
  for (const Json& word : list_in(test, "words"))
    if (word.is_string()) content.words.push_back(word.get<std::string>());
  add_facts(content, test);
  content.figures = range_figures(test);
  if (content.figures.empty() && refused.empty())
    throw NothingToPlot(folder, "the range test has no points");
  for (PageTable table : {rules_of(test), sweeps_of(test)})
    if (!table.rows.empty()) content.tables.push_back(std::move(table));
  content.recipe = text_in(test, "recipe");
  const std::string machine = text_in(test, "machine");
  if (!machine.empty()) content.machine.emplace_back("machine", machine);
  return content;
}

PageContent read_content(const std::string& folder) {
  if (is_tuning(folder)) return read_tuning(folder);
  return is_range_test(folder) ? read_range_test(folder) : read_run(folder);
}

}  // namespace onecycle
