#pragma once

#include "onecycle/tune.h"

#include "tuning/memo.h"

#include <functional>
#include <string>

namespace onecycle {

// Thrown by an item that was interrupted, so that nothing half done is remembered.
struct Interrupted {};

// What a tuning computes, each once: trial runs and range tests by key, and what they cost
// together.
class TuneItems {
 public:
  // `tuning` must outlive it.
  explicit TuneItems(const Tuning& tuning);

  // {loss or null where it diverged, accuracy, epochs, seconds} on the validation part.
  Json trained(const std::string& key, const Recipe& recipe);
  // {lr_max or null, refused, reason, seed_numbers, folder, epochs, seconds}.
  Json range(const std::string& key, const Recipe& recipe, std::int64_t seeds);

  // Of a share of the recipe's length.
  double epochs(const Recipe& recipe, double share) const;
  Duration length(const Recipe& recipe, double share) const;
  // Whether it fits into what is left of the budget.
  bool affords(const Recipe& recipe, double share) const;

  double epochs_spent() const { return epochs_; }
  double seconds_spent() const { return seconds_; }

 private:
  Json train_now(const std::string& key, const Recipe& recipe);
  Json range_now(const std::string& key, const Recipe& recipe, std::int64_t seeds);
  StepPlan steps_of(const Recipe& recipe) const;
  void spend(const Json& item);

  const DataSet& data_;
  const Environment& environment_;
  TuneOptions options_;
  std::string folder_;
  StopSignal& stop_;
  Observer* progress_;
  const std::function<void(const std::string&)>& say_;
  Memo memo_;
  double epochs_ = 0;
  double seconds_ = 0;
};

}  // namespace onecycle
