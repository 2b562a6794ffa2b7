#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace onecycle {

// A number that a task reports beside the loss.
struct Metric {
  std::string name;   // "accuracy": of columns, validation_accuracy
  std::string label;  // "acc": in a line of progress
  bool larger_is_better = true;
  bool is_fraction = false;  // of samples: shown in percent
};

// At most so many metrics has a task.
inline constexpr int kMostMetrics = 4;
// At most so many sums has a task, of which it makes its metrics.
inline constexpr int kMostSums = 256;

// The loss, in a training the mean over samples weighted as the task weighs them
// (Task::total_weight) and else their plain mean, and a task's metrics, each as the task defines
// it.
struct Score {
  double loss = 0;
  std::vector<double> metrics = {};  // in the task's order; NaN: not known of these samples
  std::int64_t samples = 0;

  // The one that the task names first; NaN where it has none.
  double metric() const;
};

}  // namespace onecycle
