#pragma once

#include <cstdint>
#include <vector>

namespace onecycle {

// One label of samples: whether they have it, and the score that says so.
struct LabelColumn {
  std::vector<double> scores;
  std::vector<bool> truth;
};

// As scikit-learn's average_precision_score: the sum over falling thresholds of precision times the
// gain in recall, samples of one score together. NaN where no sample has the label, or a score is
// no number.
double average_precision(const LabelColumn& column);

// Samples by what was said and what is.
struct LabelCounts {
  double hits = 0;
  double false_alarms = 0;
  double misses = 0;

  // 2 hits / (2 hits + false alarms + misses); 0 where all of them are.
  double f1() const;
};

// A sample has the label from this score on.
LabelCounts label_counts(const LabelColumn& column, double threshold);

}  // namespace onecycle
