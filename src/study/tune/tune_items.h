#pragma once

#include "onecycle/tune.h"

#include "study/result_cache.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace onecycle {

// Thrown by an item that was interrupted, so that nothing half done is remembered.
struct Interrupted {};

// A trial run, judged on the validation part.
struct TrainedItem {
  std::optional<double> loss;      // nothing: it diverged
  std::optional<double> accuracy;  // the task's first metric, whatever it is
  double epochs = 0;
  double seconds = 0;
};

struct RangeItem {
  std::optional<double> lr_max;
  std::string refused;  // why there is no rate
  std::string reason;   // for the one found
  std::vector<double> seed_numbers;
  std::string folder;
  double epochs = 0;
  double seconds = 0;
};

// What a tuning computes, each once: trial runs and range tests by key, and what they cost
// together.
class TuneItems {
 public:
  // `tuning` must outlive it.
  explicit TuneItems(const Tuning& tuning);

  TrainedItem trained(const std::string& key, const Recipe& recipe);
  RangeItem range(const std::string& key, const Recipe& recipe, std::int64_t seeds);

  // So many more items, fewer where negative, may be asked for than was said before.
  void expect(std::int64_t more) { planned_ += more; }

  // Of a share of the recipe's length.
  double epochs(const Recipe& recipe, double share) const;
  Duration length(const Recipe& recipe, double share) const;
  // Whether it fits into what is left of the budget.
  bool affords(const Recipe& recipe, double share) const;

  double epochs_spent() const { return epochs_; }
  double seconds_spent() const { return seconds_; }

 private:
  TrainedItem train_now(const std::string& key, const Recipe& recipe);
  RangeItem range_now(const std::string& key, const Recipe& recipe, std::int64_t seeds);
  StepPlan steps_of(const Recipe& recipe) const;
  void tell_begin(const std::string& key) const;
  template <class Item>
  Item spent(Item item);

  const DataSet& data_;
  const Environment& environment_;
  TuneOptions options_;
  std::string folder_;
  StopSignal& stop_;
  Observer* progress_;
  const std::function<void(const std::string&)>& say_;
  const std::function<void(const TunePlace&)>& begin_;
  ResultCache cache_;
  std::int64_t planned_ = 0;
  std::int64_t done_ = 0;
  std::int64_t trials_ = 0;   // of them, trained
  double trial_seconds_ = 0;  // of those
  double epochs_ = 0;
  double seconds_ = 0;
};

}  // namespace onecycle
