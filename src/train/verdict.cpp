#include "onecycle/verdict.h"

#include "core/text/format.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace onecycle {

Slope theil_sen(const std::vector<double>& x, const std::vector<double>& y) {
  constexpr double kNormal975 = 1.959963984540054;
  std::vector<double> slopes;
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t j = i + 1; j < x.size(); ++j) {
      const double slope = (y[j] - y[i]) / (x[j] - x[i]);
      if (std::isfinite(slope)) slopes.push_back(slope);
    }
  if (slopes.empty()) return {};
  std::sort(slopes.begin(), slopes.end());
  const auto pairs = static_cast<std::int64_t>(slopes.size());
  const auto n = static_cast<double>(x.size());
  const double half = kNormal975 * std::sqrt(n * (n - 1) * (2 * n + 5) / 18) / 2;
  const double middle = static_cast<double>(pairs) / 2;
  const auto at = [&](std::int64_t index) {
    return slopes[static_cast<std::size_t>(std::clamp<std::int64_t>(index, 0, pairs - 1))];
  };
  const double median = (at((pairs - 1) / 2) + at(pairs / 2)) / 2;
  return {median, at(std::llround(middle - half) - 1), at(std::llround(middle + half))};
}

namespace {

constexpr std::size_t kFewest = 4;
constexpr std::size_t kMost = 200;  // looked at, the latest
constexpr double kNotable = 0.02;   // of the loss over the window, or nats: less is no change
constexpr double kHighShare = 0.5;  // of the peak learning rate

using Points = std::vector<LearningCurvePoint>;

struct Trend {
  Slope slope;
  double change = 0;  // over the window, in nats or relative to the mean loss there

  bool falls() const { return slope.high < 0 && change < -kNotable; }
  bool rises() const { return slope.low > 0 && change > kNotable; }
};

Trend trend_of(const Points& curve, double LearningCurvePoint::*loss, bool in_nats) {
  std::vector<double> x;
  std::vector<double> y;
  double mean = 0;
  for (const LearningCurvePoint& point : curve) {
    x.push_back(point.epoch);
    y.push_back(point.*loss);
    mean += point.*loss / static_cast<double>(curve.size());
  }
  Trend trend;
  trend.slope = theil_sen(x, y);
  const double unit = in_nats ? 1 : mean;
  if (unit > 0) trend.change = trend.slope.value * (x.back() - x.front()) / unit;
  return trend;
}

std::string described(const Points& curve, const Trend& trend) {
  return format("{:+.3g} an epoch, 95 % interval {:.2g} to {:.2g}, over epochs {:.4g} to {:.4g}",
                trend.slope.value, trend.slope.low, trend.slope.high, curve.front().epoch,
                curve.back().epoch);
}

// Epochs that are told apart: a trend over one alone is none.
std::size_t epochs_of(const Points& curve) {
  std::set<double> epochs;
  for (const LearningCurvePoint& point : curve)
    if (std::isfinite(point.epoch)) epochs.insert(point.epoch);
  return epochs.size();
}

bool is_finite(const LearningCurvePoint& point) {
  return std::isfinite(point.train_loss) && std::isfinite(point.validation_loss);
}

Verdict too_few(std::size_t evaluations) {
  return {Judgement::too_early, format("too early to say: {} evaluations; a trend needs {} or more",
                                       evaluations, kFewest)};
}

// What goes wrong, whatever the learning rate is; too early where nothing does.
Verdict judge_faults(const Points& curve, bool in_nats) {
  const Trend train = trend_of(curve, &LearningCurvePoint::train_loss, in_nats);
  const Trend held_out = trend_of(curve, &LearningCurvePoint::validation_loss, in_nats);
  if (train.rises() && held_out.rises())
    return {Judgement::diverging,
            format("diverging: the training loss rises ({}), at learning rates up to {:.4g}; lower "
                   "the learning rate",
                   described(curve, train),
                   std::max_element(curve.begin(), curve.end(), [](const auto& a, const auto& b) {
                     return a.lr < b.lr;
                   })->lr)};
  if (held_out.rises() && train.falls())
    return {Judgement::overfitting,
            format("overfitting: the validation loss rises ({}) while the training loss falls; "
                   "raise the learning rate or the weight decay, or make the cycle longer",
                   described(curve, held_out))};
  return {};
}

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
  }
  return "";
}

Verdict judge(const std::vector<LearningCurvePoint>& whole, double lr_max,
              bool loss_may_be_negative) {
  const Points curve(whole.end() - static_cast<std::ptrdiff_t>(std::min(kMost, whole.size())),
                     whole.end());
  const auto lost = std::find_if_not(curve.begin(), curve.end(), is_finite);
  if (lost != curve.end())
    return {Judgement::diverging,
            format("diverging: the loss is not finite at epoch {:.4g}, where the learning rate was "
                   "{:.4g}; lower the learning rate",
                   lost->epoch, lost->lr)};
  if (epochs_of(curve) < kFewest) return too_few(epochs_of(curve));
  const bool in_nats =
      loss_may_be_negative || std::any_of(curve.begin(), curve.end(), [](const auto& point) {
        return point.train_loss < 0 || point.validation_loss < 0;
      });
  const std::size_t half = std::max(kFewest, (curve.size() + 1) / 2);
  const Points latest(curve.end() - static_cast<std::ptrdiff_t>(half), curve.end());
  for (const Points& window : {latest, curve}) {
    if (epochs_of(window) < kFewest) continue;
    const Verdict fault = judge_faults(window, in_nats);
    if (fault.judgement != Judgement::too_early) return fault;
  }

  Points high;
  for (const LearningCurvePoint& point : curve)
    if (point.lr >= kHighShare * lr_max) high.push_back(point);
  if (epochs_of(high) < kFewest)
    return {Judgement::too_early,
            format("too early to say: {} evaluations at a high learning rate (half of {:.4g} or "
                   "more); a trend needs {} or more",
                   epochs_of(high), lr_max, kFewest)};
  const Trend held_out = trend_of(high, &LearningCurvePoint::validation_loss, in_nats);
  if (held_out.falls())
    return {Judgement::underfitting,
            format("underfitting: the validation loss still falls at a high learning rate ({}); "
                   "raise the learning rate, lower the weight decay, or train longer",
                   described(high, held_out))};
  return {Judgement::fitting,
          format("fitting: the validation loss has levelled off at a high learning rate ({}) and "
                 "does not rise while the training loss falls",
                 described(high, held_out))};
}

}  // namespace onecycle
