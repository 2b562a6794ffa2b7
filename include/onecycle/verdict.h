#pragma once

#include <optional>
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
enum class Judgement { too_early, fitting, underfitting, overfitting, diverging, memorised };

// The enumerator as text: "too_early".
const char* name_of(Judgement judgement);

// What judge() found.
struct Verdict {
  Judgement judgement = Judgement::too_early;
  std::string text;  // one sentence: what was seen, and what to do about it

  bool operator==(const Verdict&) const = default;
};

// L. Smith, arXiv 1803.09820, section 3, on the evaluations so far, in order: their course, their
// latter half and their end, each end a median of three.
// Diverging: a loss is not finite, both rise, or the end gives back half of what was gained.
// Overfitting: the validation loss rises, or ends above its lowest, and the training loss does not;
// or it ends above twice the training loss (of losses that may be negative: by more than half of
// what training gained) and its latter half fell by less than half of what the training loss did.
// Memorised: such a gap, the training loss below 2 % of what it began with, the validation loss no
// longer falling. Underfitting: the validation loss falls while the learning rate is at least half
// of `lr_max`, and at the end, which is no more than 10 % above the training loss; or both end
// where guessing is (`guessing_loss`, of outputs that know nothing).
// A slope counts when its 95 % interval excludes 0 and the change along it is more than 2 % of the
// mean loss or, where losses may be negative or are, more than .02 nats; an end above the lowest
// loss by 5 % or .05 nats and by three standard deviations of one evaluation. Fewer than four
// epochs to tell from are too early, as is a learning rate that has not come to half of `lr_max`.
Verdict judge(const std::vector<LearningCurvePoint>& curve, double lr_max,
              bool loss_may_be_negative = false,
              std::optional<double> guessing_loss = std::nullopt);

}  // namespace onecycle
