#include "study/search/study.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/text/metric_text.h"
#include "study/search/study_row.h"

#include <filesystem>

namespace onecycle {

namespace {

constexpr int kSchema = 1;

constexpr const char* kTables = R"(
CREATE TABLE settings(key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE trials(
  number INTEGER PRIMARY KEY, setting INTEGER NOT NULL, rung INTEGER NOT NULL,
  share REAL NOT NULL, "values" TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'waiting' CHECK(state IN
    ('waiting', 'running', 'done', 'failed', 'diverged', 'interrupted')),
  owner INTEGER, losses INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '',
  metric REAL, validation_loss REAL, validation_accuracy REAL, test_loss REAL,
  test_accuracy REAL, seconds REAL NOT NULL DEFAULT 0, run TEXT NOT NULL DEFAULT '',
  finished INTEGER NOT NULL DEFAULT 0);
CREATE INDEX trials_by_state ON trials(state, number);
PRAGMA user_version = 1;
)";

// The task's first metric, whatever it is, stands in the columns of the accuracy; the setting says
// which it is.
constexpr const char* kMetricKey = "metric";

std::string path_in(const std::string& folder) { return folder + "/study.db"; }

void store(Database& database, const std::string& key, const std::string& value) {
  Statement(database, "INSERT INTO settings VALUES(?, ?)").bind(key).bind(value).run();
}

std::optional<double> loss_of(const std::optional<Score>& score) {
  return score ? std::optional(score->loss) : std::nullopt;
}

std::optional<double> metric_of(const std::optional<Score>& score) {
  return score ? std::optional(score->metric()) : std::nullopt;
}

std::optional<Metric> first_of(const std::vector<Metric>& metrics) {
  return metrics.empty() ? std::nullopt : std::optional(metrics.front());
}

}  // namespace

void Study::create(const std::string& folder, const std::string& recipe,
                   const SearchOptions& options, const std::string& environment) {
  Database database(path_in(folder));
  Transaction transaction(database);
  database.execute(kTables);
  store(database, "recipe", recipe);
  store(database, "environment", environment);
  store(database, "search", search_text(options));
  const auto settings = settings_of(options);
  const auto share = rungs_of(options, static_cast<std::int64_t>(settings.size())).front().share;
  for (std::size_t i = 0; i < settings.size(); ++i)
    Statement(database,
              "INSERT INTO trials(number, setting, rung, share, \"values\") VALUES(?, ?, 0, ?, ?)")
        .bind(static_cast<std::int64_t>(i + 1))
        .bind(static_cast<std::int64_t>(i))
        .bind(share)
        .bind(json_of(options.space, settings[i]))
        .run();
  transaction.commit();
}

Study::Study(const std::string& folder) : folder_(folder) {
  const std::string path = path_in(folder);
  if (!std::filesystem::exists(path))
    throw UsageError(folder + ": is not a study's folder: it holds no study.db");
  database_ = std::make_unique<Database>(path);
  Statement version(*database_, "PRAGMA user_version");
  version.step();
  if (version.getColumn(0).getInt64() != kSchema)
    throw Error(format("{}: {}; start a new search", path,
                       version.getColumn(0).getInt64() == 0
                           ? "its creation was interrupted"
                           : format("is a study of version {}, and this program reads version {}",
                                    version.getColumn(0).getInt64(), kSchema)));
  recipe_ = stored("recipe");
  environment_ = setting("environment");
  options_ = read_search_text(stored("search"), path);
  settings_ = settings_of(options_);
  values_.resize(settings_.size());
  rungs_ = rungs_of(options_, static_cast<std::int64_t>(settings_.size()));
}

const std::optional<Metric>& Study::metric() const {
  if (knows_metric_) return metric_;
  const auto kept = setting(kMetricKey);
  metric_ = kept ? first_of(metrics_in(*kept)) : accuracy_metric();
  knows_metric_ = kept.has_value();
  return metric_;
}

Goal Study::goal() const {
  std::vector<Metric> metrics;
  if (metric()) metrics.push_back(*metric());
  return goal_of(options_.metric == SearchMetric::validation_loss, metrics);
}

std::optional<std::string> Study::setting(const std::string& key) const {
  Statement row(*database_, "SELECT value FROM settings WHERE key = ?");
  if (!row.bind(key).step()) return std::nullopt;
  return row.getColumn(0).getText();
}

std::string Study::stored(const std::string& key) {
  auto value = setting(key);
  if (!value) throw Error(format("{}: lacks its {}", database_->path(), key));
  return *std::move(value);
}

std::int64_t Study::planned_trials() const {
  std::int64_t total = 0;
  for (const Rung& rung : rungs_) total += rung.trials;
  return total;
}

void Study::add(std::int64_t number, std::int64_t setting, std::int64_t rung) {
  Statement(*database_,
            "INSERT INTO trials(number, setting, rung, share, \"values\") VALUES(?, ?, ?, ?, ?)")
      .bind(number)
      .bind(setting)
      .bind(rung)
      .bind(rungs_[static_cast<std::size_t>(rung)].share)
      .bind(json_of(options_.space, settings_[static_cast<std::size_t>(setting)]))
      .run();
}

std::optional<Trial> Study::take(std::int64_t owner) {
  Transaction transaction(*database_);
  Statement row(*database_, trial_rows("WHERE state IN ('waiting', 'interrupted') "
                                       "ORDER BY number LIMIT 1"));
  if (!row.step()) return std::nullopt;
  const Trial trial = read(row).trial;
  Statement(*database_,
            "UPDATE trials SET state = 'running', reason = '', owner = ? WHERE number = ?")
      .bind(owner)
      .bind(trial.number)
      .run();
  while (row.step()) {
  }
  transaction.commit();
  return trial;
}

// The first that was scored names the metric; what is judged by another cannot be compared.
TrialResult Study::comparable(TrialResult result) {
  if (result.state != TrialState::done && result.metrics.empty()) return result;
  const auto own = first_of(result.metrics);
  if (!setting(kMetricKey)) {
    store(*database_, kMetricKey, metrics_json(result.metrics));
    knows_metric_ = false;
  }
  const auto& common = metric();
  if (own.has_value() == common.has_value() && (!own || own->name == common->name)) return result;
  if (result.state == TrialState::done) {
    result.state = TrialState::failed;
    result.reason = format("its first metric is {}, and that of the trials before it is {}",
                           own ? own->name : "none", common ? common->name : "none");
  }
  result.validation.reset();
  result.test.reset();
  return result;
}

void Study::finish(std::int64_t owner, const Trial& trial, const TrialResult& scored) {
  Transaction transaction(*database_);
  const TrialResult result = comparable(scored);
  const auto loss = loss_of(result.validation);
  const auto first = metric_of(result.validation);
  std::optional<double> metric;
  if (result.state == TrialState::done) metric = goal() == Goal::lower_loss ? loss : first;
  Statement(*database_,
            "UPDATE trials SET state = ?, reason = ?, metric = ?, validation_loss = ?, "
            "validation_accuracy = ?, test_loss = ?, test_accuracy = ?, seconds = ?, run = ?, "
            "finished = CASE ? WHEN 0 THEN 0 ELSE (SELECT max(finished) + 1 FROM trials) END, "
            "owner = NULL WHERE number = ? AND state = 'running' AND owner = ?")
      .bind(std::string(name_of(result.state)))
      .bind(result.reason)
      .bind(metric)
      .bind(loss)
      .bind(first)
      .bind(loss_of(result.test))
      .bind(metric_of(result.test))
      .bind(result.seconds)
      .bind(result.run)
      .bind(std::int64_t{ends(result.state)})
      .bind(trial.number)
      .bind(owner)
      .run();
  if (database_->getChanges() != 1)
    throw Error(format("{}: trial {} was handed to another worker meanwhile", database_->path(),
                       trial.number));
  Statement rung(*database_, "SELECT rung FROM trials WHERE number = ?");
  if (rung.bind(trial.number).step()) promote(rung.getColumn(0).getInt64());
  transaction.commit();
}

}  // namespace onecycle
