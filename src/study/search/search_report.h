#pragma once

#include "study/search/study.h"

#include <string>
#include <vector>

namespace onecycle {

// "lr_max 0.03162, weight_decay 1e-4"
std::string values_text(const SearchSpace& space, const Setting& setting);

// "validation accuracy 88.61 %", "validation rmse 0.0312"; why not, where the trial has none.
std::string outcome_text(const TrialRow& row, const Study& study);

// Those that are done, the best first and marked, then the others with their reason. A line each.
std::vector<std::string> table_of(const Study& study, const std::vector<TrialRow>& rows);

// A header and a line a trial.
std::string csv_of(const Study& study, const std::vector<TrialRow>& rows);

// One object, without a line end.
std::string trial_json(const Study& study, const TrialRow& row);
// `best` may be null; `recipe`: the best recipe's path.
std::string searched_json(const Study& study, const std::vector<TrialRow>& rows,
                          const TrialRow* best, const std::string& recipe);

// What is left to train, in lengths of the whole recipe, and what a length took so far, seconds.
struct Remaining {
  double lengths = 0;
  double seconds_each = 0;
};
Remaining remaining_of(const Study& study, const std::vector<TrialRow>& rows);

}  // namespace onecycle
