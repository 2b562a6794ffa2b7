#include "onecycle/verdict.h"

#include "core/text/format.h"
#include "train/loss_course.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace onecycle {

namespace {

constexpr std::size_t kFewest = 4;
constexpr std::size_t kMost = 200;       // looked at, spread over the course
constexpr double kHighShare = 0.5;       // of the peak learning rate
constexpr double kClose = 0.1;           // of the training loss: validation's is no gap
constexpr double kNothingLeft = 0.02;    // of the loss to begin with
constexpr double kShareOfTheGain = 0.5;  // of the training loss's fall

std::string described(const CurvePoints& curve, const Trend& trend) {
  return format("{:+.3g} an epoch, 95 % interval {:.2g} to {:.2g}, over epochs {:.4g} to {:.4g}",
                trend.slope.value, trend.slope.low, trend.slope.high, curve.front().epoch,
                curve.back().epoch);
}

// Epochs that are told apart: a trend over one alone is none.
std::size_t epochs_of(const CurvePoints& curve) {
  std::set<double> epochs;
  for (const LearningCurvePoint& point : curve)
    if (std::isfinite(point.epoch)) epochs.insert(point.epoch);
  return epochs.size();
}

bool is_finite(const LearningCurvePoint& point) {
  return std::isfinite(point.train_loss) && std::isfinite(point.validation_loss);
}

double highest_rate(const CurvePoints& curve) {
  double highest = 0;
  for (const LearningCurvePoint& point : curve) highest = std::max(highest, point.lr);
  return highest;
}

// Every so many of the course, its end among them.
CurvePoints spread_over(const CurvePoints& whole) {
  const std::size_t apart = (whole.size() + kMost - 1) / kMost;
  if (apart <= 1) return whole;
  CurvePoints curve;
  for (std::size_t i = (whole.size() - 1) % apart; i < whole.size(); i += apart)
    curve.push_back(whole[i]);
  return curve;
}

// The words about a curve that has enough finite points.
class Judge {
 public:
  Judge(const CurvePoints& curve, double lr_max, bool in_nats, std::optional<double> guessing_loss)
      : curve_(curve),
        latest_(latest_of(curve)),
        lr_max_(lr_max),
        in_nats_(in_nats),
        guessing_(guessing_loss),
        train_(course_of(curve, &LearningCurvePoint::train_loss, in_nats)),
        held_out_(course_of(curve, &LearningCurvePoint::validation_loss, in_nats)),
        train_trend_(trend_of(latest_, &LearningCurvePoint::train_loss, in_nats)),
        held_out_trend_(trend_of(latest_, &LearningCurvePoint::validation_loss, in_nats)) {}

  Verdict verdict() const {
    for (const auto rule :
         {&Judge::rising, &Judge::above_its_lowest, &Judge::no_better_than_chance,
          &Judge::nothing_left, &Judge::memorising, &Judge::not_there_yet, &Judge::still_falling})
      if (auto verdict = (this->*rule)()) return *verdict;
    return fitting();
  }

 private:
  using Found = std::optional<Verdict>;

  // The latter half, or more of a short course.
  static CurvePoints latest_of(const CurvePoints& curve) {
    const std::size_t half = std::min(curve.size(), std::max(kFewest, (curve.size() + 1) / 2));
    const CurvePoints latest(curve.end() - static_cast<std::ptrdiff_t>(half), curve.end());
    return epochs_of(latest) < kFewest ? curve : latest;
  }

  static Verdict diverging_over(const CurvePoints& window, const std::string& seen) {
    return {Judgement::diverging,
            format("diverging: the training loss {}, at learning rates up to {:.4g}; lower the "
                   "learning rate",
                   seen, highest_rate(window))};
  }

  static Verdict overfitting(const std::string& seen) {
    return {Judgement::overfitting,
            format("overfitting: the validation loss {}; raise the learning rate or the weight "
                   "decay, make the cycle longer, or train on more data",
                   seen)};
  }

  // Towards the end or, where the end does not tell otherwise, over the course.
  Found rising() const {
    if (auto verdict = rising_over(latest_, train_trend_, held_out_trend_)) return verdict;
    if (held_out_trend_.falls()) return std::nullopt;
    return rising_over(curve_, trend_of(curve_, &LearningCurvePoint::train_loss, in_nats_),
                       trend_of(curve_, &LearningCurvePoint::validation_loss, in_nats_));
  }

  static Found rising_over(const CurvePoints& window, const Trend& train, const Trend& held_out) {
    if (!held_out.rises()) return std::nullopt;
    if (train.rises())
      return diverging_over(window, format("rises ({})", described(window, train)));
    return overfitting(format("rises ({}) while the training loss {}", described(window, held_out),
                              train.falls() ? "falls" : "does not"));
  }

  Found above_its_lowest() const {
    if (!held_out_.rose) return std::nullopt;
    if (!train_.rose)
      return overfitting(
          format("is back at about {:.4g}, after {:.4g} at its lowest, while the training "
                 "loss does not rise",
                 held_out_.end, held_out_.lowest));
    const bool gave_back = train_.end - train_.lowest > 0.5 * (train_.first - train_.lowest);
    if (!gave_back) return std::nullopt;  // a cycle begun anew, or a high rate
    return diverging_over(curve_,
                          format("is back at about {:.4g} after {:.4g}, and the validation loss at "
                                 "{:.4g} after {:.4g}",
                                 train_.end, train_.lowest, held_out_.end, held_out_.lowest));
  }

  // Judged by the training loss too: a validation part can be the harder one.
  Found no_better_than_chance() const {
    if (!guessing_ || held_out_trend_.falls() || train_trend_.falls()) return std::nullopt;
    const double limit = in_nats_ ? *guessing_ - kNotableChange : *guessing_ * (1 - kNotableChange);
    if (train_.end < limit || held_out_.end < limit) return std::nullopt;
    return Verdict{Judgement::underfitting,
                   format("underfitting: nothing is learned: the losses end at {:.4g} in training "
                          "and {:.4g} in validation, where guessing gives {:.4g}; find a learning "
                          "rate by a range test, and look at the labels",
                          train_.last, held_out_.last, *guessing_)};
  }

  bool has_gap() const {
    if (in_nats_) return held_out_.end - train_.end > kShareOfTheGain * (train_.first - train_.end);
    return held_out_.end > 2 * train_.end;
  }

  Found nothing_left() const {
    if (in_nats_ || !has_gap() || held_out_trend_.falls()) return std::nullopt;
    if (train_.end > kNothingLeft * std::max(train_.first, held_out_.end)) return std::nullopt;
    return Verdict{
        Judgement::memorised,
        format("memorised: the network has learned all there is in its training samples (loss "
               "{:.3g}; validation {:.4g}, {}): nothing to gain from longer training; more data, "
               "augmentation or weight decay may narrow the gap",
               train_.last, held_out_.last, described(latest_, held_out_trend_))};
  }

  // More than half of what training gains is not worth anything to the validation part.
  Found memorising() const {
    if (!has_gap() || !train_trend_.falls()) return std::nullopt;
    if (held_out_trend_.fall() >= kShareOfTheGain * train_trend_.fall()) return std::nullopt;
    return Verdict{
        Judgement::overfitting,
        format("overfitting: the network memorises more than it learns: the training loss ends at "
               "{:.3g}, the validation loss at {:.3g}, a gap of {:.3g}, and over epochs {:.4g} to "
               "{:.4g} the one fell by {:.2g}, the other by {:.2g}; raise the weight decay or the "
               "learning rate, or train on more data",
               train_.last, held_out_.last, held_out_.last - train_.last, latest_.front().epoch,
               latest_.back().epoch, train_trend_.fall(), std::max(0.0, held_out_trend_.fall()))};
  }

  CurvePoints at_high_rates() const {
    CurvePoints high;
    for (const LearningCurvePoint& point : curve_)
      if (point.lr >= kHighShare * lr_max_) high.push_back(point);
    return high;
  }

  // A low learning rate before the peak makes every loss fall, which tells nothing.
  Found not_there_yet() const {
    const double highest = highest_rate(curve_);
    if (highest >= kHighShare * lr_max_ || curve_.back().lr < kHighShare * highest)
      return std::nullopt;
    return Verdict{Judgement::too_early,
                   format("too early to say: {} evaluations at a high learning rate (half of "
                          "{:.4g} or more)",
                          epochs_of(at_high_rates()), lr_max_)};
  }

  // At the end of the high rates and of the run, with the training loss no lower: there is more to
  // learn.
  Found still_falling() const {
    const CurvePoints high = latest_of(at_high_rates());
    if (epochs_of(high) < kFewest || !held_out_trend_.falls()) return std::nullopt;
    const Trend trend = trend_of(high, &LearningCurvePoint::validation_loss, in_nats_);
    const double gap = held_out_.end - train_.end;
    if (!trend.falls() || gap > kClose * (in_nats_ ? 1 : train_.end)) return std::nullopt;
    return Verdict{Judgement::underfitting,
                   format("underfitting: the validation loss still falls at a high learning rate "
                          "({}) and ends at {:.4g}, the training loss at {:.4g}; raise the "
                          "learning rate, lower the weight decay, or train longer",
                          described(high, trend), held_out_.last, train_.last)};
  }

  Verdict fitting() const {
    return {Judgement::fitting,
            format("fitting: the validation loss {} ({}) and ends at {:.4g}, the training loss at "
                   "{:.4g}",
                   held_out_trend_.falls()     ? "falls to the end"
                   : held_out_trend_.is_flat() ? "has levelled off"
                                               : "shows no trend beyond its noise",
                   described(latest_, held_out_trend_), held_out_.last, train_.last)};
  }

  CurvePoints curve_;
  CurvePoints latest_;
  double lr_max_;
  bool in_nats_;
  std::optional<double> guessing_;
  Course train_;
  Course held_out_;
  Trend train_trend_;     // over the latest
  Trend held_out_trend_;  // likewise
};

}  // namespace

const char* name_of(Judgement judgement) {
  switch (judgement) {
    case Judgement::too_early:
      return "too_early";
    case Judgement::fitting:
      return "fitting";
    case Judgement::underfitting:
      return "underfitting";
    case Judgement::overfitting:
      return "overfitting";
    case Judgement::diverging:
      return "diverging";
    case Judgement::memorised:
      return "memorised";
  }
  return "";
}

Verdict judge(const std::vector<LearningCurvePoint>& whole, double lr_max,
              bool loss_may_be_negative, std::optional<double> guessing_loss) {
  const auto lost = std::find_if_not(whole.begin(), whole.end(), is_finite);
  if (lost != whole.end())
    return {Judgement::diverging,
            format("diverging: the loss is not finite at epoch {:.4g}, where the learning rate was "
                   "{:.4g}; lower the learning rate",
                   lost->epoch, lost->lr)};
  const CurvePoints curve = spread_over(whole);
  if (epochs_of(curve) < kFewest)
    return {Judgement::too_early,
            format("too early to say: {} evaluations; a trend needs {} or more", epochs_of(curve),
                   kFewest)};
  const bool in_nats =
      loss_may_be_negative || std::any_of(curve.begin(), curve.end(), [](const auto& point) {
        return point.train_loss < 0 || point.validation_loss < 0;
      });
  return Judge(curve, lr_max, in_nats, guessing_loss).verdict();
}

}  // namespace onecycle
