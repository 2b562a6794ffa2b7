#include "core/text/format.h"
#include "options/value_json.h"
#include "study/search/study_row.h"

#include <algorithm>
#include <array>
#include <limits>

// What is asked of a study's rows, and what follows from them.
namespace onecycle {

namespace {

constexpr std::int64_t kMostLosses = 2;

// One that was not kept was no finite number.
double loss_of(const TrialRow& row) {
  return row.validation_loss.value_or(std::numeric_limits<double>::infinity());
}

}  // namespace

std::string json_of(const SearchSpace& space, const Setting& setting) {
  Json values = Json::object();
  for (std::size_t i = 0; i < space.axes.size(); ++i)
    values[space.axes[i].key] = json_of(setting[i]);
  return values.dump();
}

bool is_better(Goal goal, double a, double b) {
  return goal == Goal::higher_metric ? a > b : a < b;
}

std::vector<TrialRow> ranked(const std::vector<TrialRow>& rows, Goal goal) {
  std::int64_t rung = -1;
  for (const TrialRow& row : rows)
    if (row.metric) rung = std::max(rung, row.trial.rung);
  std::vector<TrialRow> result;
  for (const TrialRow& row : rows)
    if (row.metric && row.trial.rung == rung) result.push_back(row);
  std::sort(result.begin(), result.end(), [&](const TrialRow& a, const TrialRow& b) {
    if (*a.metric != *b.metric) return is_better(goal, *a.metric, *b.metric);
    if (loss_of(a) != loss_of(b)) return loss_of(a) < loss_of(b);
    return a.trial.number < b.trial.number;
  });
  return result;
}

std::vector<TrialRow> Study::rows() {
  std::vector<TrialRow> result;
  Statement row(*database_, trial_rows("ORDER BY number"));
  const auto first_rung = static_cast<std::int64_t>(settings_.size());
  while (row.step()) {
    TrialRow& added = result.emplace_back(read(row));
    const auto expected = static_cast<std::int64_t>(result.size());
    if (added.trial.number != expected)
      refuse_row(database_->path(), expected, "its row is missing");
    if ((added.trial.rung == 0) != (expected <= first_rung))
      refuse_row(database_->path(), expected, "its rung is not the one it was made for");
  }
  if (static_cast<std::int64_t>(result.size()) < first_rung)
    refuse_row(database_->path(), static_cast<std::int64_t>(result.size()) + 1,
               "its row is missing");
  return result;
}

bool Study::over() {
  Statement row(
      *database_,
      "SELECT 1 FROM trials WHERE state IN ('waiting', 'running', 'interrupted') LIMIT 1");
  return !row.step();
}

void Study::promote(std::int64_t rung) {
  const auto next = static_cast<std::size_t>(rung) + 1;
  if (next >= rungs_.size()) return;
  std::vector<TrialRow> own;
  const std::vector<TrialRow> all = rows();
  for (const TrialRow& row : all) {
    if (row.trial.rung > rung) return;
    if (row.trial.rung != rung) continue;
    if (!row.ended()) return;
    own.push_back(row);
  }
  const std::vector<TrialRow> best = ranked(own, goal());
  auto number = static_cast<std::int64_t>(all.size());
  for (std::size_t i = 0; i < best.size(); ++i)
    if (static_cast<std::int64_t>(i) < rungs_[next].trials)
      add(++number, best[i].trial.setting, rung + 1);
}

void Study::hand_back(const std::function<bool(std::int64_t)>& is_alive) {
  std::vector<std::int64_t> owners;
  {
    Statement row(*database_, "SELECT DISTINCT owner FROM trials WHERE state = 'running'");
    while (row.step()) owners.push_back(row.getColumn(0).getInt64());
  }
  for (const std::int64_t owner : owners) {
    if (is_alive(owner)) continue;
    Transaction transaction(*database_);
    Statement(*database_,
              "UPDATE trials SET state = 'waiting', owner = NULL "
              "WHERE state = 'running' AND owner = ?")
        .bind(owner)
        .run();
    transaction.commit();
  }
}

void Study::lose(std::int64_t owner, const std::string& how) {
  Transaction transaction(*database_);
  std::vector<std::array<std::int64_t, 3>> lost;
  {
    Statement row(*database_,
                  "SELECT number, rung, losses + 1 FROM trials "
                  "WHERE state = 'running' AND owner = ?");
    for (row.bind(owner); row.step();)
      lost.push_back(
          {row.getColumn(0).getInt64(), row.getColumn(1).getInt64(), row.getColumn(2).getInt64()});
  }
  for (const auto& [number, rung, losses] : lost) {
    const bool fails = losses >= kMostLosses;
    Statement(*database_,
              "UPDATE trials SET owner = NULL, losses = ?, state = ?, reason = ?, "
              "finished = CASE ? WHEN 0 THEN 0 ELSE (SELECT max(finished) + 1 FROM trials) END "
              "WHERE number = ?")
        .bind(losses)
        .bind(std::string(name_of(fails ? TrialState::failed : TrialState::waiting)))
        .bind(fails ? format("its process ended {} times without a result: {}", losses, how) : "")
        .bind(std::int64_t{fails})
        .bind(number)
        .run();
    promote(rung);
  }
  transaction.commit();
}

}  // namespace onecycle
