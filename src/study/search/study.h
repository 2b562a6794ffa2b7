#pragma once

#include "onecycle/search.h"

#include "study/search/study_database.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace onecycle {

// A trial as the study knows it.
struct TrialRow {
  Trial trial;
  TrialState state = TrialState::waiting;
  std::string reason;            // of failed, diverged and interrupted
  std::optional<double> metric;  // of those that are done
  std::optional<double> validation_loss;
  std::optional<double> validation_metric;  // the task's first
  std::optional<double> test_loss;
  std::optional<double> test_metric;
  double seconds = 0;
  std::string run;            // its folder
  std::int64_t finished = 0;  // its place among those that ended, from 1; 0: not ended

  bool ended() const { return finished > 0; }
};

// A search as a database, study.db in a folder: every trial a row, every change one transaction of
// any process.
//
//   waiting -> running -> done | failed | diverged
//                      -> interrupted -> running
//   running -> waiting where its owner died, or gave it back because files failed under it;
//           -> failed where it took its owner down twice
class Study {
 public:
  // Makes the database with the first rung's trials waiting. `recipe`: resolved, YAML;
  // `environment`: the digest of the numbers that the environment gave it.
  static void create(const std::string& folder, const std::string& recipe,
                     const SearchOptions& options, const std::string& environment = "");
  // Throws Error where there is no study, or one of another version.
  explicit Study(const std::string& folder);

  const std::string& folder() const { return folder_; }
  const std::string& recipe() const { return recipe_; }
  // Nothing where an older program made the study.
  const std::optional<std::string>& environment() const { return environment_; }
  const SearchOptions& options() const { return options_; }
  const std::vector<Setting>& settings() const { return settings_; }
  const std::vector<Rung>& rungs() const { return rungs_; }
  std::int64_t planned_trials() const;  // of all rungs
  // The first metric of the task, as the first trial that was scored named it; nothing where the
  // task has none. Accuracy before that, and in studies of older programs.
  const std::optional<Metric>& metric() const;
  // What makes one trial better than another.
  Goal goal() const;

  // The lowest waiting or interrupted trial becomes the owner's; nothing where there is none now.
  std::optional<Trial> take(std::int64_t owner);
  // The last of a rung to end brings the next rung's trials.
  void finish(std::int64_t owner, const Trial& trial, const TrialResult& result);
  // Running trials whose owner is not alive wait again.
  void hand_back(const std::function<bool(std::int64_t owner)>& is_alive);
  // The owner died in the middle of its trial, which is handed out once more.
  void lose(std::int64_t owner, const std::string& how);
  // Nothing waits, runs or was interrupted.
  bool over();

  // By number. Throws Error, naming the trial, where a row is not as this program writes it.
  std::vector<TrialRow> rows();

 private:
  TrialRow read(const Statement& row) const;
  TrialResult comparable(TrialResult result);
  void promote(std::int64_t rung);
  void add(std::int64_t number, std::int64_t setting, std::int64_t rung);
  std::optional<std::string> setting(const std::string& key) const;
  std::string stored(const std::string& key);

  std::string folder_;
  std::unique_ptr<Database> database_;
  std::string recipe_;
  std::optional<std::string> environment_;
  SearchOptions options_;
  std::vector<Setting> settings_;
  mutable std::optional<Metric> metric_;
  mutable bool knows_metric_ = false;
  mutable std::vector<std::string> values_;  // of each setting, as its rows hold them, once asked
  std::vector<Rung> rungs_;
};

// Whether `a` is better than `b`.
bool is_better(Goal goal, double a, double b);

// Those that are done, of the longest share that has any, the best first; where they are equal, the
// lower loss, then the lower number.
std::vector<TrialRow> ranked(const std::vector<TrialRow>& rows, Goal goal);

// {"schedule.lr_max":0.1}
std::string json_of(const SearchSpace& space, const Setting& setting);

}  // namespace onecycle
