#include "tuning/range_test.h"
#include "tuning/smoothing.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

struct Columns {
  std::vector<double> lr, values;
};

Columns train_losses(const SweepCurve& curve) {
  Columns columns;
  for (const SweepPoint& point : curve.points) {
    if (point.lr <= 0 || !std::isfinite(point.train_loss)) continue;
    columns.lr.push_back(point.lr);
    columns.values.push_back(point.train_loss);
  }
  return columns;
}

Columns held_out(const SweepCurve& curve, std::optional<double> SweepPoint::*value) {
  Columns columns;
  for (const SweepPoint& point : curve.points) {
    if (point.lr <= 0 || !(point.*value) || !std::isfinite(*(point.*value))) continue;
    columns.lr.push_back(point.lr);
    columns.values.push_back(*(point.*value));
  }
  return columns;
}

using Extract = std::function<Columns(const SweepCurve&)>;

std::vector<Band> bands(const std::vector<const SweepCurve*>& curves, const Extract& extract,
                        const std::vector<double>& at) {
  std::vector<Band> result(at.size());
  Columns all;
  std::vector<std::vector<double>> each;
  for (const SweepCurve* curve : curves) {
    const Columns columns = extract(*curve);
    if (columns.lr.empty()) continue;
    each.push_back(smoothed_over_lr(columns.lr, columns.values, at));
    all.lr.insert(all.lr.end(), columns.lr.begin(), columns.lr.end());
    all.values.insert(all.values.end(), columns.values.begin(), columns.values.end());
  }
  if (all.lr.empty()) return result;
  const auto pooled = smoothed_over_lr(all.lr, all.values, at,
                                       5 * static_cast<int>(std::max<std::size_t>(1, each.size())));
  for (std::size_t i = 0; i < at.size(); ++i) {
    result[i] = {pooled[i], each[0][i], each[0][i]};
    for (const auto& one : each) {
      result[i].low = std::min(result[i].low, one[i]);
      result[i].high = std::max(result[i].high, one[i]);
    }
  }
  return result;
}

}  // namespace

std::vector<SmoothedPoint> smooth(const std::vector<const SweepCurve*>& curves) {
  const auto losses = [](const SweepCurve& c) { return held_out(c, &SweepPoint::held_out_loss); };
  const auto accuracies = [](const SweepCurve& c) {
    return held_out(c, &SweepPoint::held_out_accuracy);
  };
  std::vector<double> at;
  for (const SweepCurve* curve : curves) {
    const Columns looks = accuracies(*curve);
    if (looks.lr.size() > at.size()) at = looks.lr;
  }
  const auto train = bands(curves, train_losses, at);
  const auto loss = bands(curves, losses, at);
  const auto accuracy = bands(curves, accuracies, at);
  std::vector<SmoothedPoint> result;
  for (std::size_t i = 0; i < at.size(); ++i)
    result.push_back({at[i], train[i], loss[i], accuracy[i]});
  return result;
}

}  // namespace onecycle
