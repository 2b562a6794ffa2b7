#include "tuning/range_test/range_test.h"
#include "tuning/range_test/smoothing.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

constexpr double kAxisHalfWidth = 0.1;  // of the span of an axis that is not the learning rate

struct Columns {
  std::vector<double> x, values;
};

double x_of(const SweepPoint& point, SweepAxis axis) {
  switch (axis) {
    case SweepAxis::momentum:
      return point.momentum;
    case SweepAxis::step:
      return static_cast<double>(point.step + 1);
    case SweepAxis::lr:
      break;
  }
  return point.lr;
}

using Extract = std::optional<double> (*)(const SweepPoint&);

Columns columns_of(const SweepCurve& curve, SweepAxis axis, Extract extract) {
  Columns columns;
  for (const SweepPoint& point : curve.points) {
    const std::optional<double> value = extract(point);
    if (!value || !std::isfinite(*value) || point.lr <= 0) continue;
    columns.x.push_back(x_of(point, axis));
    columns.values.push_back(*value);
  }
  return columns;
}

std::vector<double> smoothed(const Columns& columns, const std::vector<double>& at, SweepAxis axis,
                             int neighbours) {
  if (axis == SweepAxis::lr) return smoothed_over_lr(columns.x, columns.values, at, neighbours);
  const auto [least, most] = std::minmax_element(at.begin(), at.end());
  return smoothed_over(columns.x, columns.values, at, kAxisHalfWidth * (*most - *least),
                       neighbours);
}

std::vector<Band> bands(const std::vector<const SweepCurve*>& curves, SweepAxis axis,
                        Extract extract, const std::vector<double>& at) {
  constexpr int kNeighbours = 5;
  std::vector<Band> result(at.size());
  Columns all;
  std::vector<std::vector<double>> each;
  for (const SweepCurve* curve : curves) {
    const Columns columns = columns_of(*curve, axis, extract);
    if (columns.x.empty()) continue;
    each.push_back(smoothed(columns, at, axis, kNeighbours));
    all.x.insert(all.x.end(), columns.x.begin(), columns.x.end());
    all.values.insert(all.values.end(), columns.values.begin(), columns.values.end());
  }
  if (all.x.empty()) return result;
  const auto pooled = smoothed(all, at, axis, kNeighbours * static_cast<int>(each.size()));
  for (std::size_t i = 0; i < at.size(); ++i) {
    result[i] = {pooled[i], each[0][i], each[0][i]};
    for (const auto& one : each) {
      result[i].low = std::min(result[i].low, one[i]);
      result[i].high = std::max(result[i].high, one[i]);
    }
  }
  return result;
}

std::optional<double> train_loss(const SweepPoint& point) { return point.train_loss; }
std::optional<double> held_out_loss(const SweepPoint& point) { return point.held_out_loss; }
std::optional<double> held_out_accuracy(const SweepPoint& point) { return point.held_out_accuracy; }

}  // namespace

std::vector<SmoothedPoint> smooth(const std::vector<const SweepCurve*>& curves, SweepAxis axis) {
  std::vector<double> at;
  for (const SweepCurve* curve : curves) {
    const bool by_loss = curve->measure == Measure::loss;
    const Columns looks = columns_of(*curve, axis, by_loss ? held_out_loss : held_out_accuracy);
    if (looks.x.size() > at.size()) at = looks.x;
  }
  if (at.empty()) return {};
  const auto train = bands(curves, axis, train_loss, at);
  const auto loss = bands(curves, axis, held_out_loss, at);
  const auto accuracy = bands(curves, axis, held_out_accuracy, at);
  std::vector<SmoothedPoint> result;
  for (std::size_t i = 0; i < at.size(); ++i)
    result.push_back({at[i], train[i], loss[i], accuracy[i]});
  return result;
}

}  // namespace onecycle
