#pragma once

#include <string>
#include <vector>

namespace onecycle {

// A line through points by the median of all pairs' slopes, with Sen's 95 % interval of the slope
// from the normal approximation of Kendall's statistic (P. K. Sen, JASA 63, 1968).
struct Slope {
  double value = 0;
  double low = 0;
  double high = 0;
};
// Pairs without a finite slope, like two points at one x, are left out; 0 to 0 where none is left.
Slope theil_sen(const std::vector<double>& x, const std::vector<double>& y);

// What one evaluation says about the curve of a run.
struct LearningCurvePoint {
  double epoch = 0;
  double lr = 0;
  double train_loss = 0;
  double validation_loss = 0;
};

// How a run goes.
enum class Judgement { too_early, fitting, underfitting, overfitting, diverging };

// The enumerator as text: "too_early".
const char* name_of(Judgement judgement);

// What judge() found.
struct Verdict {
  Judgement judgement = Judgement::too_early;
  std::string text;  // one sentence: what was seen, and what to do about it

  bool operator==(const Verdict&) const = default;
};

// L. Smith, arXiv 1803.09820, section 3, on the evaluations so far, in order. Underfitting: the
// validation loss still falls while the learning rate is high, at least half of `lr_max`.
// Overfitting: it rises while the training loss falls. A slope counts when its 95 % interval
// excludes 0 and the change along it is more than 2 % of the mean loss or, where losses may be
// negative or are, more than .02 nats; fewer than four epochs to tell from are too early.
Verdict judge(const std::vector<LearningCurvePoint>& curve, double lr_max,
              bool loss_may_be_negative = false);

}  // namespace onecycle
