#pragma once

#include "onecycle/build.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

// Leslie Smith's whole procedure (arXiv 1803.09820): range test, weight decay, momentum, cycle
// length, each chosen on the validation part, each with its evidence.
namespace onecycle {

// How much tuning may cost.
struct TuneOptions {
  std::int64_t seeds = 3;         // of the range test
  double short_share = 0.25;      // length of a trial run, of the recipe's
  std::optional<double> epochs;   // budget of everything, in epochs of training; empty: none
  std::optional<double> seconds;  // or in seconds
};

// A run that a choice compared with others.
struct TuneTrial {
  std::string label;
  std::optional<double> loss;    // on the validation part; nothing: it diverged
  std::optional<double> metric;  // there, the task's first; nothing: it has none or no value
  double epochs = 0;             // trained
  bool chosen = false;
};

// One line of the last table.
struct TuneChoice {
  std::string what;
  std::string value;
  std::string evidence;
  std::string sure;  // how sure
  std::vector<TuneTrial> trials = {};
};

// The tuned recipe and its evidence.
struct TuneResult {
  Recipe recipe;
  std::vector<TuneChoice> choices;
  std::vector<Metric> metrics;  // the task's
  std::vector<std::string> words;
  std::string range_folder;       // the range test's curves
  std::string confirming_folder;  // those of the one at the end
  double epochs = 0;              // trained for the search
  double seconds = 0;             // of it
  bool interrupted = false;
  std::string refused;  // why there is no recipe
};

// Where a tuning is, before a run or a range test of it.
struct TunePlace {
  std::string item;                    // "momentum 0.95"
  std::int64_t number = 1;             // of it
  std::int64_t at_most = 1;            // of all: some are left out
  std::optional<double> seconds_left;  // at most; nothing: no run has told how long one takes
};

// What is tuned, on what, and who follows it.
struct Tuning {
  const Recipe& recipe;
  const DataSet& data;  // read once, by the caller
  const Environment& environment;
  TuneOptions options = {};
  std::string folder;  // keeps every result as soon as it is known (tune.json)
  StopSignal& stop;
  Observer* progress = nullptr;                      // of every run; may be null
  std::function<void(const std::string&)> say;       // gets a line for every result
  std::function<void(const TunePlace&)> begin = {};  // called before everything that is computed
};

// With the same folder and recipe it goes on where an earlier call ended, and ends with the same
// recipe. Throws Error where the folder belongs to another recipe.
TuneResult tune(const Tuning& tuning);

}  // namespace onecycle
