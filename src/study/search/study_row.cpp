// A study's file can come from others, or be changed by them at any time: each row is held against
// the search that the file describes before it is used.
#include "study/search/study_row.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/text/json.h"
#include "core/text/json_text.h"
#include "core/text/printable.h"

#include <cmath>

namespace onecycle {

namespace {

constexpr double kSame = 1e-6;  // relative: another C library may round a drawn value otherwise

std::optional<TrialState> state_named(const std::string& name) {
  for (const TrialState state : {TrialState::waiting, TrialState::running, TrialState::done,
                                 TrialState::failed, TrialState::diverged, TrialState::interrupted})
    if (name == name_of(state)) return state;
  return std::nullopt;
}

bool is_close(double a, double b) {
  return std::abs(a - b) <= kSame * std::max(std::abs(a), std::abs(b));
}

bool is_same(const Json& one, const Json& other) {
  if (!one.is_number() || !other.is_number()) return one == other;
  return is_close(one.get<double>(), other.get<double>());
}

bool is_same_setting(const Json& one, const Json& other) {
  if (!one.is_object() || one.size() != other.size()) return false;
  for (const auto& [key, value] : other.items())
    if (!one.contains(key) || !is_same(one.at(key), value)) return false;
  return true;
}

// A row, column by column, in the order of trial_rows().
class RowReader {
 public:
  RowReader(const std::string& path, const Statement& row) : path_(path), row_(row) {
    if (!row.getColumn(0).isInteger()) throw Error(path + ": holds a trial without a number");
    trial_ = row.getColumn(0).getInt64();
    column_ = 1;
  }

  [[noreturn]] void refuse(const std::string& what) const { refuse_row(path_, trial_, what); }
  void require(bool sound, const std::string& what) const {
    if (!sound) refuse(what);
  }

  std::int64_t number() const { return trial_; }
  std::int64_t integer(const char* name) {
    const SQLite::Column column = next();
    require(column.isInteger(), format("its {} is not an integer", name));
    return column.getInt64();
  }
  std::optional<double> number_or_null(const char* name, double least = 0, double most = HUGE_VAL) {
    const SQLite::Column column = next();
    if (column.isNull()) return std::nullopt;
    const double value = column.isInteger() || column.isFloat() ? column.getDouble() : NAN;
    require(std::isfinite(value) && value >= least && value <= most,
            format("its {} is not a valid number", name));
    return value;
  }
  std::string text(const char* name) {
    const SQLite::Column column = next();
    require(column.isText(), format("its {} is not text", name));
    return column.getText();
  }

 private:
  SQLite::Column next() { return row_.getColumn(column_++); }

  const std::string& path_;
  const Statement& row_;
  std::int64_t trial_ = 0;
  int column_ = 0;
};

}  // namespace

bool ends(TrialState state) {
  return state == TrialState::done || state == TrialState::failed || state == TrialState::diverged;
}

std::string trial_rows(const std::string& which) {
  return "SELECT number, setting, rung, share, \"values\", state, reason, metric, validation_loss, "
         "validation_accuracy, test_loss, test_accuracy, seconds, run, finished FROM trials " +
         which;
}

void refuse_row(const std::string& path, std::int64_t trial, const std::string& what) {
  throw Error(format(
      "{}: trial {}: {}: the study was changed by hand or by another program; start a new search",
      path, trial, what));
}

TrialRow Study::read(const Statement& statement) const {
  RowReader row(database_->path(), statement);
  TrialRow result;
  Trial& trial = result.trial;
  trial.number = row.number();
  trial.setting = row.integer("setting");
  row.require(trial.setting >= 0 && trial.setting < static_cast<std::int64_t>(settings_.size()),
              format("its setting is {}, and the space has {}", trial.setting, settings_.size()));
  trial.rung = row.integer("rung");
  row.require(trial.rung >= 0 && trial.rung < static_cast<std::int64_t>(rungs_.size()),
              format("its rung is {}, and the search has {}", trial.rung, rungs_.size()));
  trial.share = row.number_or_null("share").value_or(0);
  row.require(is_close(trial.share, rungs_[static_cast<std::size_t>(trial.rung)].share),
              "its share is not its rung's");
  const std::string values = row.text("values");
  std::string& expected = values_[static_cast<std::size_t>(trial.setting)];
  if (expected.empty())
    expected = json_of(options_.space, settings_[static_cast<std::size_t>(trial.setting)]);
  if (values != expected)
    row.require(is_same_setting(parse_json(values), Json::parse(expected)),
                format("its values are {}, and the space's are {}", printable(values),
                       printable(expected)));
  const std::string state = row.text("state");
  row.require(state_named(state).has_value(), format("its state is '{}'", printable(state)));
  result.state = *state_named(state);
  result.reason = row.text("reason");
  // Losses and metrics that are no share of samples may be of any size and sign.
  const bool share = metric() && metric()->is_fraction;
  const double least = share ? 0 : -HUGE_VAL;
  const double most = share ? 1 : HUGE_VAL;
  result.metric = row.number_or_null("metric", least, goal() == Goal::lower_loss ? HUGE_VAL : most);
  result.validation_loss = row.number_or_null("validation_loss", least);
  result.validation_metric = row.number_or_null("validation_accuracy", least, most);
  result.test_loss = row.number_or_null("test_loss", least);
  result.test_metric = row.number_or_null("test_accuracy", least, most);
  result.seconds = row.number_or_null("seconds").value_or(0);
  result.run = row.text("run");
  result.finished = row.integer("finished");
  row.require(
      result.finished >= 0 && result.ended() == ends(result.state) &&
          result.metric.has_value() == (result.state == TrialState::done),
      format("its state is {}, which its metric or its order of ending contradicts", state));
  return result;
}

}  // namespace onecycle
