#pragma once

#include "onecycle/search.h"

#include "cli/command.h"
#include "study/search/search_driver.h"
#include "study/search/search_trial.h"
#include "study/search/study.h"

#include <string>
#include <vector>

namespace onecycle {

// Trains what is left of the study, says how it goes, and writes what came of it: trials.csv,
// best.yaml. `others`: ranks that work at it too; may be null. Returns the exit code.
int run_study(const std::string& folder, std::int64_t jobs, RemoteWorkers* others,
              const CommandLine& line, const Environment& environment);

// What watches a trial's run and writes into its folder.
TrialObservers trial_observers(const RecipeRun& run, const std::string& folder);

// The recipe that the study's trials vary.
Recipe recipe_in(const Study& study, const Registries& registries);

// The recipe once for each device and number format that the space gives it.
std::vector<Recipe> computing_variants(const Recipe& base, const SearchOptions& options,
                                       const Registries& registries);

// require_precision() of them all: before a study is begun or gone on with, not trial by trial.
void require_precisions(const Recipe& base, const SearchOptions& options,
                        const Environment& environment);

// --jobs. Throws UsageError.
std::int64_t search_jobs(const CommandLine& line);

// A worker is this program as `search --worker STUDY NUMBER THREADS PARENT`.
std::vector<std::string> worker_arguments(const std::string& study_folder, std::int64_t worker,
                                          std::int64_t jobs);
bool is_search_worker(int argc, char** argv);
int search_worker(char** argv);

}  // namespace onecycle
