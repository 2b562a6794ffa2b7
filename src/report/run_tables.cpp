#include "report/run_tables.h"

#include "core/text/format.h"
#include "report/page/text.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

constexpr std::size_t kMostRows = 60;     // of a table on the page
constexpr std::size_t kMostColumns = 11;  // of one: what 1,100 pixels hold

struct Column {
  std::string name;
  std::string title;
  Metric kind = {};  // a number, unless it is a fraction
};

// Each of a table's columns; those of one list stay together.
std::vector<std::vector<Column>> columns_of(const RunFiles& files) {
  std::vector<std::vector<Column>> groups = {{{"lr", "learning rate"}, {"momentum", "momentum"}}};
  for (const std::string split : {"train", "validation", "test"}) {
    const std::string title = split == "train" ? "training" : split;
    std::vector<Column> columns = {{split + "_loss", title + " loss"}};
    for (const Metric& kind : files.kinds)
      columns.push_back({split + "_" + kind.name, title + " " + human_name(kind), kind});
    groups.push_back(std::move(columns));
  }
  for (std::vector<Column>& group : groups)
    std::erase_if(group, [&](const Column& column) {
      const auto texts = files.metrics.texts(column.name);
      return std::all_of(texts.begin(), texts.end(), [](const auto& text) { return text.empty(); });
    });
  return groups;
}

std::string left_out(std::size_t rows, const char* file) {
  return rows > kMostRows
             ? format("The last {} of {} rows; all of them are in {}.", kMostRows, rows, file)
             : "";
}

PageTable table_of(const RunCsv& metrics, const std::vector<Column>& columns) {
  PageTable table;
  const std::size_t first = metrics.rows.size() - std::min(kMostRows, metrics.rows.size());
  table.rows.resize(metrics.rows.size() - first);
  for (const Column& column : columns) {
    const auto texts = metrics.texts(column.name);
    const auto numbers = metrics.numbers(column.name);
    table.names.emplace_back(column.title);
    table.textual.push_back(false);
    for (std::size_t row = first; row < texts.size(); ++row) {
      std::string text = human_metric(column.kind, numbers[row]);
      if (!texts[row].empty() && !std::isfinite(numbers[row])) text = texts[row];
      table.rows[row - first].push_back(std::move(text));
    }
  }
  return table;
}

}  // namespace

std::vector<PageTable> evaluations_of(const RunFiles& files) {
  const std::vector<Column> places = {{"step", "step"}, {"epoch", "epoch"}};
  std::vector<std::vector<Column>> parts = {places};
  for (const std::vector<Column>& group : columns_of(files)) {
    if (parts.back().size() > places.size() && parts.back().size() + group.size() > kMostColumns)
      parts.push_back(places);
    parts.back().insert(parts.back().end(), group.begin(), group.end());
  }
  std::vector<PageTable> tables;
  for (const std::vector<Column>& columns : parts) {
    tables.push_back(table_of(files.metrics, columns));
    tables.back().title = tables.size() == 1 ? "Evaluations" : "Evaluations, continued";
  }
  tables.back().note = left_out(files.metrics.rows.size(), "metrics.csv");
  return tables;
}

PageTable events_of(const RunCsv& events) {
  PageTable table;
  table.title = "Events";
  table.names = {"time", "steps", "epoch", "event", "message"};
  table.textual = {true, false, false, true, true};
  const auto names = events.texts("event");
  const auto steps = events.numbers("steps");
  const auto epochs = events.numbers("epoch");
  const auto times = events.texts("time");
  const auto messages = events.texts("message");
  std::size_t checkpoints = 0;
  double last = 0;
  for (std::size_t row = 0; row < names.size(); ++row) {
    if (names[row] == "checkpoint") {
      ++checkpoints;
      last = steps[row];
    } else {
      table.rows.push_back({times[row], human_number(steps[row]), human_number(epochs[row]),
                            names[row], messages[row]});
    }
  }
  table.note = left_out(table.rows.size(), "events.csv");
  if (table.rows.size() > kMostRows)
    table.rows.erase(table.rows.begin(), table.rows.end() - static_cast<std::ptrdiff_t>(kMostRows));
  if (checkpoints > 0)
    table.note += format("{}Checkpoints saved: {}, the last after {} steps (events.csv).",
                         table.note.empty() ? "" : " ", checkpoints, human_number(last));
  return table;
}

}  // namespace onecycle
