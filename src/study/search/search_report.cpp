#include "study/search/search_report.h"

#include "core/text/csv_text.h"
#include "core/text/format.h"
#include "core/text/json.h"
#include "core/text/json_text.h"
#include "core/text/metric_text.h"
#include "core/text/number.h"

#include <algorithm>

namespace onecycle {

namespace {

const Setting& setting_of(const Study& study, const TrialRow& row) {
  return study.settings()[static_cast<std::size_t>(row.trial.setting)];
}

// The key without its section where that says it all.
std::string short_key(const SearchSpace& space, const std::string& key) {
  const std::string last = key.substr(key.rfind('.') + 1);
  const auto same = std::count_if(space.axes.begin(), space.axes.end(), [&](const Axis& axis) {
    return axis.key.substr(axis.key.rfind('.') + 1) == last;
  });
  return same == 1 ? last : key;
}

std::string value_text(const Axis& axis, const Value& value) {
  const auto number = axis.size() ? std::nullopt : number_in(value);
  return number ? format("{:.4g}", *number) : detail::flow_text(value.as_written());
}

Json fields_of(const Study& study, const TrialRow& row) {
  Json json = {{"number", row.trial.number},
               {"rung", row.trial.rung},
               {"share", row.trial.share},
               {"state", name_of(row.state)},
               {"values", Json::parse(json_of(study.options().space, setting_of(study, row)))},
               {"metric", row.metric},
               {"validation_loss", row.validation_loss}};
  const auto& metric = study.metric();
  if (metric) json["validation_" + metric->name] = row.validation_metric;
  json["test_loss"] = row.test_loss;
  if (metric) json["test_" + metric->name] = row.test_metric;
  json["seconds"] = row.seconds;
  json["run"] = row.run;
  json["reason"] = row.reason;
  return json;
}

}  // namespace

std::string values_text(const SearchSpace& space, const Setting& setting) {
  std::string text;
  for (std::size_t i = 0; i < space.axes.size(); ++i)
    text += format("{}{} {}", text.empty() ? "" : ", ", short_key(space, space.axes[i].key),
                   value_text(space.axes[i], setting[i]));
  return text;
}

std::string outcome_text(const TrialRow& row, const Study& study) {
  if (!row.metric) return format("{}: {}", name_of(row.state), row.reason);
  if (study.goal() == Goal::lower_loss) return format("validation loss {:.4f}", *row.metric);
  const Metric& metric = *study.metric();
  return format("validation {} {}", metric.name, metric_text(metric, *row.metric));
}

std::vector<std::string> table_of(const Study& study, const std::vector<TrialRow>& rows) {
  const auto& metric = study.metric();
  const auto values = [&](const TrialRow& row) {
    return values_text(study.options().space, setting_of(study, row));
  };
  std::vector<std::string> lines;
  const std::vector<TrialRow> best = ranked(rows, study.goal());
  for (const TrialRow& row : best) {
    const std::string test =
        metric && row.test_metric ? "test " + metric_text(*metric, *row.test_metric) : "";
    lines.push_back(format("{} {:>5}  {:<30}{:<15}{}", lines.empty() ? '*' : ' ', row.trial.number,
                           outcome_text(row, study), test, values(row)));
  }
  for (const TrialRow& row : rows)
    if (row.ended() && !row.metric)
      lines.push_back(format("  {:>5}  {:<45}{}: {}", row.trial.number, name_of(row.state),
                             values(row), row.reason));
  return lines;
}

std::string csv_of(const Study& study, const std::vector<TrialRow>& rows) {
  const SearchSpace& space = study.options().space;
  std::string text = "number,rung,share,state";
  for (const Axis& axis : space.axes) text += "," + csv_cell(axis.key);
  const auto& metric = study.metric();
  const auto score_names = [&](const char* split) {
    return format("{}_loss,{}", split,
                  metric ? csv_cell(format("{}_{}", split, metric->name)) + "," : "");
  };
  text +=
      format(",metric,{}{}seconds,run,reason\n", score_names("validation"), score_names("test"));
  const auto score_cells = [&](std::optional<double> loss, std::optional<double> value) {
    return csv_cell(loss) + "," + (metric ? csv_cell(value) + "," : "");
  };
  for (const TrialRow& row : rows) {
    text += format("{},{},{},{}", row.trial.number, row.trial.rung, number_text(row.trial.share),
                   name_of(row.state));
    for (const Value& value : setting_of(study, row))
      text += "," + csv_cell(detail::flow_text(value.as_written()));
    text += format(",{},{}{}{:.3f},{},{}\n", csv_cell(row.metric),
                   score_cells(row.validation_loss, row.validation_metric),
                   score_cells(row.test_loss, row.test_metric), row.seconds, csv_cell(row.run),
                   csv_cell(row.reason));
  }
  return text;
}

std::string trial_json(const Study& study, const TrialRow& row) {
  Json json = {{"event", "trial"}};
  json.update(fields_of(study, row));
  return json_text(json);
}

std::string searched_json(const Study& study, const std::vector<TrialRow>& rows,
                          const TrialRow* best, const std::string& recipe) {
  const auto ended =
      std::count_if(rows.begin(), rows.end(), [](const TrialRow& row) { return row.ended(); });
  Json json = {{"event", "searched"}, {"trials", ended}};
  json["best"] = best != nullptr ? fields_of(study, *best) : Json(nullptr);
  json["recipe"] = best != nullptr ? Json(recipe) : Json(nullptr);
  json["study"] = study.folder();
  return json_text(json);
}

Remaining remaining_of(const Study& study, const std::vector<TrialRow>& rows) {
  double planned = 0;
  double done = 0;
  double seconds = 0;
  for (const Rung& rung : study.rungs()) planned += static_cast<double>(rung.trials) * rung.share;
  for (const TrialRow& row : rows) {
    if (!row.ended()) continue;
    done += row.trial.share;
    seconds += row.seconds;
  }
  return {std::max(0.0, planned - done), done > 0 ? seconds / done : 0};
}

}  // namespace onecycle
