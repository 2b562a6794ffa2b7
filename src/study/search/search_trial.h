#pragma once

#include "onecycle/search.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace onecycle {

using TrialObservers = std::vector<std::unique_ptr<Observer>>;
// Makes what watches a trial's run and writes into its folder.
using MakeObservers =
    std::function<TrialObservers(const RecipeRun& run, const std::string& folder)>;

// What every trial of one worker needs.
struct TrialBench {
  Recipe base;
  SearchOptions options;
  std::vector<Setting> settings;
  std::string folder;        // of the study; a trial writes into trials/<number>
  std::int64_t threads = 1;  // where the recipe names none
  MakeObservers observers;
};

// Trains trials, one after the other; the data stays in memory while the recipe's data section does
// not ask for other samples.
class TrialRunner {
 public:
  // Reads the data. Throws RecipeError or DataError.
  TrialRunner(TrialBench bench, const Environment& environment);

  // `stop` interrupts the run. Whatever becomes of the trial is a result; it throws FileError where
  // files fail, which is no fault of the trial's.
  TrialResult run(const Trial& trial, StopSignal& stop);

 private:
  TrialResult train(const Recipe& recipe, const std::string& folder, StopSignal& stop);
  RecipeRun build_trial(const Recipe& recipe);

  TrialBench bench_;
  const Environment& environment_;
  std::string data_key_;
  DataSet data_;
};

// Takes trials until there are none left or `stop` asks for an end. A trial under which files fail
// is given back, to wait, and the FileError thrown on.
void work(WorkQueue& queue, TrialRunner& runner, StopSignal& stop);

}  // namespace onecycle
