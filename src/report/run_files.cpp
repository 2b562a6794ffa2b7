#include "report/run_files.h"

#include "onecycle/error.h"
#include "onecycle/options.h"
#include "onecycle/report.h"

#include "core/files/paths.h"
#include "core/text/format.h"
#include "core/text/json_text.h"
#include "core/text/metric_text.h"
#include "core/text/number.h"
#include "report/page/text.h"
#include "report/range_file.h"
#include "yaml/document.h"
#include "yaml/yaml.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <filesystem>
#include <limits>

namespace onecycle {

namespace fs = std::filesystem;

namespace {

// A damaged recipe costs the report its name and no more.
void read_recipe(RunFiles& files) {
  try {
    const Value recipe = parse_yaml(files.recipe, "recipe.yaml");
    if (const Value* name = recipe.find("name"); name != nullptr && name->is_scalar())
      files.name = without_escapes(name->text);
    const Value* schedule = recipe.find("schedule");
    const Value* peak = schedule != nullptr ? schedule->find("lr_max") : nullptr;
    if (peak != nullptr) files.lr_max = number_in(*peak).value_or(0);
    files.has_lr_max = files.lr_max > 0;
    const Value* train = recipe.find("train");
    const Value* duration = train != nullptr ? train->find("duration") : nullptr;
    if (duration != nullptr && duration->is_scalar())
      files.duration = Duration::parse(duration->text);
  } catch (const RecipeError&) {
    files.name.clear();
  }
}

// Names become names of files.
bool is_plain(const std::string& name) {
  return !name.empty() && name != "loss" && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

// metrics.json; "[]", as if of an older program, where there is none.
std::string said_of_columns(const std::string& folder) {
  const std::string said = folder + "/metrics.json";
  return fs::exists(said) ? read_text_file(said) : "[]";
}

// `step` of an older program's rows as steps done.
void count_steps_done(RunCsv& table) {
  const auto column = static_cast<std::size_t>(
      std::find(table.names.begin(), table.names.end(), "step") - table.names.begin());
  for (auto& row : table.rows)
    if (const auto step = column < row.size() ? parse_integer(row[column]) : std::nullopt;
        step && *step < std::numeric_limits<std::int64_t>::max())
      row[column] = std::to_string(*step + 1);
}

std::vector<Metric> kinds_in(const std::string& columns, const RunCsv& metrics) {
  std::vector<Metric> kinds = metrics_in(columns);
  const std::string split = "validation_";
  for (const std::string& column : metrics.names) {
    if (!column.starts_with(split)) continue;
    const std::string name = column.substr(split.size());
    const bool known = std::any_of(kinds.begin(), kinds.end(),
                                   [&](const Metric& kind) { return kind.name == name; });
    if (known) continue;
    kinds.push_back(name == accuracy_metric().name ? accuracy_metric()
                                                   : Metric{name, name, false, false});
  }
  std::erase_if(kinds, [&](const Metric& kind) {
    return !is_plain(kind.name) || !metrics.has(split + kind.name);
  });
  if (kinds.size() > std::size_t{kMostMetrics}) kinds.resize(std::size_t{kMostMetrics});
  return kinds;
}

// Of the sessions that run.json tells of: the first command and, of a resumed run, the last; the
// others of the last session.
Facts origin_in(const std::string& path) {
  if (!fs::exists(path)) return {};
  const Json json = parse_json(read_text_file(path));
  if (!json.is_object()) return {};
  const Json& sessions = list_in(json, "sessions");
  if (sessions.empty()) return {};
  Facts facts;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) facts.emplace_back(name, value);
  };
  const Json& last = sessions.back();
  add("command", text_in(sessions.front(), "command"));
  if (sessions.size() > 1) add("resumed by", text_in(last, "command"));
  const std::string version = text_in(last, "version");
  add("program", version.empty() ? "" : "onecycle " + version);
  add("commit", text_in(last, "commit"));
  add("host", text_in(last, "host"));
  const double ranks = number_in(last, "ranks");
  if (ranks > 1) add("ranks", human_number(ranks));
  return facts;
}

double highest(const RunCsv& table) {
  double result = 0;
  for (const double lr : table.numbers("lr"))
    if (std::isfinite(lr)) result = std::max(result, lr);
  return result;
}

}  // namespace

RunFiles read_run_files(const std::string& folder) {
  if (!fs::is_directory(folder))
    throw Error(
        format("{}: {}", folder, why_unread(folder, fs::exists(folder) ? ENOTDIR : ENOENT)));
  const bool any = fs::exists(folder + "/recipe.yaml") || fs::exists(folder + "/metrics.csv") ||
                   fs::exists(folder + "/steps.csv");
  if (!any)
    throw Error(folder +
                ": neither a run's folder (recipe.yaml, metrics.csv) nor a range test's "
                "(range_test.json)");
  RunFiles files;
  files.metrics = read_csv(folder + "/metrics.csv");
  const std::string columns = said_of_columns(folder);
  files.kinds = kinds_in(columns, files.metrics);
  files.steps = read_csv(folder + "/steps.csv");
  if (columns_version(columns) < kColumnsVersion)
    for (RunCsv* table : {&files.metrics, &files.steps}) count_steps_done(*table);
  files.events = read_csv(folder + "/events.csv");
  if (fs::exists(folder + "/recipe.yaml")) files.recipe = read_text_file(folder + "/recipe.yaml");
  read_recipe(files);
  files.origin = origin_in(folder + "/run.json");
  if (files.name.empty()) files.name = fs::path(folder).lexically_normal().filename().string();
  if (!(files.lr_max > 0)) files.lr_max = std::max(highest(files.metrics), highest(files.steps));
  return files;
}

LearningCurve read_learning_curve(const std::string& wanted) {
  const std::string folder = last_run_of(wanted);
  LearningCurve curve;
  if (!fs::exists(folder + "/metrics.csv")) return curve;
  const RunFiles files = read_run_files(folder);
  curve.lr_max = files.lr_max;
  // After a fallback the peak is lower.
  for (const double scale : files.metrics.numbers("lr_scale"))
    if (scale > 0 && scale < 1) curve.lr_max = files.lr_max * scale;
  const auto epoch = files.metrics.numbers("epoch");
  const auto lr = files.metrics.numbers("lr");
  const auto train = files.metrics.numbers("train_loss");
  const auto validation = files.metrics.numbers("validation_loss");
  const auto written = files.metrics.texts("validation_loss");
  for (std::size_t row = 0; row < written.size(); ++row)
    if (!written[row].empty())
      curve.points.push_back({epoch[row], lr[row], train[row], validation[row]});
  return curve;
}

}  // namespace onecycle
