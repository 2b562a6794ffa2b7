#pragma once

#include "onecycle/build.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Search over recipe keys: which trials there are, what a trial's recipe is, and the queue that
// workers take trials from. docs/search.md says how it is used.
namespace onecycle {

// How trials are chosen (docs/search.md).
enum class SearchMethod { grid, random, halving };

// What trials are compared by: the task's first metric or the loss, always on the validation part,
// never on the test split.
enum class SearchMetric { validation_metric, validation_loss };

// One key of the recipe and the values that it may take.
struct Axis {
  // What the values are.
  enum class Kind { list, uniform, log_uniform, integer };

  std::string key;  // "schedule.lr_max"
  Position at;
  Kind kind = Kind::list;
  double low = 0;  // uniform and log_uniform: within [low, high]
  double high = 0;
  std::int64_t first = 0;  // integer: first, first + 1, ..., last
  std::int64_t last = 0;
  std::vector<Value> values;  // list: one of these

  // How many values there are; nothing where they are continuous.
  std::optional<std::uint64_t> size() const;
};

// All keys that a search goes over.
struct SearchSpace {
  std::vector<Axis> axes;        // in the order written
  Value written = Value::map();  // as it was
};

// The `search` section of a recipe.
struct SearchOptions {
  SearchMethod method = SearchMethod::random;
  std::int64_t trials = 20;
  std::int64_t seed = 1;
  SearchMetric metric = SearchMetric::validation_metric;
  std::int64_t reduction = 3;
  double min_share = 0.11;
  bool checkpoints = false;
  SearchSpace space;
};

// The `search` section. Adds to `problems` what is wrong, each with its place.
SearchOptions read_search(const Value& section, Problems& problems);
// The section that says the same.
Value write_search(const SearchOptions& options);
// The same as YAML.
std::string search_text(const SearchOptions& options);
// And back, which asks the environment again. Messages call the text `name`. Throws RecipeError.
SearchOptions read_search_text(const std::string& text, const std::string& name);
// What a `search` section may hold, for documentation.
OptionGroup search_options();

// Takes the `search` section out of a document; nothing where it has none.
std::optional<Value> take_search(Value& document);

// ---- Which trials ----------------------------------------------------------------------------

// A value for each axis, in the order of the axes.
using Setting = std::vector<Value>;

// Every setting that is trained, in order, each once. Grid: the last axis changes fastest. Random
// and halving: setting i is a function of the seed, i and the keys (and of the settings before it,
// which it does not repeat); no value of a continuous axis comes twice. Fewer than asked for where
// the space holds no more.
std::vector<Setting> settings_of(const SearchOptions& options);

// "4 x 3 = 12 trials"; "30 trials".
std::string size_text(const SearchOptions& options);

// Trials that train the same share of the recipe's length, and are compared with one another.
struct Rung {
  std::int64_t trials = 0;
  double share = 1;  // in (0, 1]
};

// One rung for grid and random. Halving (K. Jamieson, A. Talwalkar, "Non-stochastic best arm
// identification and hyperparameter optimization", AISTATS 2016): shares reduction^-s, ..., 1, with
// the smallest that is not below min_share; each rung the best 1/reduction of the one before.
std::vector<Rung> rungs_of(const SearchOptions& options, std::int64_t settings);

// ---- What a trial trains ---------------------------------------------------------------------

// The recipe under the setting. Throws RecipeError, with the place of the value in the space.
Recipe recipe_of(const Recipe& base, const SearchSpace& space, const Setting& setting,
                 const Registries& registries);

// The same run in a share of its length: the whole cycle, compressed. Lengths inside the schedule
// shrink with it.
Recipe compressed(Recipe recipe, double share);

// Adds every value of the space that the recipe would refuse, whatever the others are.
void check_space(const Recipe& base, const SearchOptions& options, const Registries& registries,
                 Problems& problems);

// ---- Trials and their queue ------------------------------------------------------------------

// What became of a trial so far.
enum class TrialState { waiting, running, done, failed, diverged, interrupted };

// The enumerator as text.
const char* name_of(TrialState state);

// What a worker is given.
struct Trial {
  std::int64_t number = 0;   // from 1
  std::int64_t setting = 0;  // index into settings_of()
  std::int64_t rung = 0;
  double share = 1;
};

// What a trial came to.
struct TrialResult {
  TrialState state = TrialState::done;  // done, failed, diverged, interrupted; waiting: given back
  std::string reason;                   // of any other than done
  std::optional<Score> validation;
  std::optional<Score> test;
  double seconds = 0;
  std::string run;                   // its folder
  std::vector<Metric> metrics = {};  // of the scores
};

// Where workers draw trials from: one study, any number of workers.
class WorkQueue {
 public:
  virtual ~WorkQueue() = default;
  // A trial that is the caller's until it is finished; waits where others must end first. Nothing
  // once there will be no more, or the caller was asked to stop. Throws Error.
  virtual std::optional<Trial> take() = 0;
  // `result.state` interrupted or waiting: the trial is handed out again. Throws Error where the
  // trial is not the caller's any more.
  virtual void finish(const Trial& trial, const TrialResult& result) = 0;
};

}  // namespace onecycle
