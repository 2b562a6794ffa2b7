#include "tuning/range_test/pooled.h"

#include "onecycle/error.h"

#include "tuning/range_test/smoothing.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

constexpr double kAxisHalfWidth = 0.1;  // of the span of an axis that is not the learning rate
constexpr int kNeighbours = 5;          // of one sweep

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

// Points that count.
std::vector<const SweepPoint*> points_with(const SweepCurve& curve, Extract extract) {
  std::vector<const SweepPoint*> points;
  for (const SweepPoint& point : curve.points) {
    const std::optional<double> value = extract(point);
    if (value && std::isfinite(*value) && point.lr > 0) points.push_back(&point);
  }
  return points;
}

Columns columns_of(const SweepCurve& curve, SweepAxis axis, Extract extract) {
  Columns columns;
  for (const SweepPoint* point : points_with(curve, extract)) {
    columns.x.push_back(x_of(*point, axis));
    columns.values.push_back(*extract(*point));
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
std::optional<double> held_out_metric(const SweepPoint& point) { return point.held_out_metric; }

// As PooledSweeps has them, at these rates.
LossesOfSamples smoothed_samples(const std::vector<const SweepCurve*>& curves,
                                 const std::vector<double>& at) {
  std::vector<double> lr;
  std::vector<const std::vector<float>*> losses;
  int sweeps = 0;
  for (const SweepCurve* curve : curves) {
    const auto looks = points_with(*curve, held_out_loss);
    for (const SweepPoint* look : looks) {
      lr.push_back(look->lr);
      losses.push_back(&look->sample_losses);
    }
    sweeps += looks.empty() ? 0 : 1;
  }
  if (losses.empty()) return nullptr;
  const std::size_t samples = losses[0]->size();
  const bool same = std::all_of(losses.begin(), losses.end(),
                                [&](const auto* one) { return one->size() == samples; });
  if (samples == 0 || !same) return nullptr;
  const auto weights = smoothing_weights_over_lr(lr, at, kNeighbours * sweeps);
  std::vector<std::vector<double>> result(at.size(), std::vector<double>(samples, 0));
  for (std::size_t i = 0; i < at.size(); ++i)
    for (std::size_t j = 0; j < losses.size(); ++j) {
      if (weights[i][j] == 0) continue;
      for (std::size_t s = 0; s < samples; ++s)
        result[i][s] += weights[i][j] * static_cast<double>((*losses[j])[s]);
    }
  return std::make_shared<const std::vector<std::vector<double>>>(std::move(result));
}

// A share of the loss says nothing of its noise where a constant may be added to it.
void require_samples(const std::vector<const SweepCurve*>& curves) {
  for (const SweepCurve* curve : curves)
    for (const SweepPoint& point : curve->points)
      if (point.held_out_loss && (curve->loss_may_be_negative || *point.held_out_loss < 0))
        throw Error(
            "the range test tells noise in losses that may be negative by those of single "
            "samples, and the task gives none; implement Task::sample_losses()");
}

// The largest loss at the first looks: of a sample where they are known, else the mean.
double untrained_loss(const std::vector<const SweepCurve*>& curves) {
  double largest = -HUGE_VAL;
  for (const SweepCurve* curve : curves) {
    const auto looks = points_with(*curve, held_out_loss);
    if (looks.empty()) continue;
    largest = std::max(largest, *looks[0]->held_out_loss);
    for (const float loss : looks[0]->sample_losses)
      largest = std::max(largest, static_cast<double>(loss));
  }
  return largest;
}

// What diverges has losses without bound, whose mean and noise would hide where it began.
SweepCurve bounded(SweepCurve curve, double most) {
  for (SweepPoint& point : curve.points) {
    if (!point.held_out_loss) continue;
    double excess = 0;
    for (float& loss : point.sample_losses) {
      const double beyond = static_cast<double>(loss) - most;
      if (!(beyond > 0)) continue;
      excess += beyond / static_cast<double>(point.sample_losses.size());
      loss = static_cast<float>(most);
    }
    point.held_out_loss = std::min(*point.held_out_loss - excess, most);
  }
  return curve;
}

std::size_t best_of(const std::vector<double>& worth) {
  return static_cast<std::size_t>(std::max_element(worth.begin(), worth.end()) - worth.begin());
}

}  // namespace

std::vector<SmoothedPoint> smooth(const std::vector<const SweepCurve*>& curves, SweepAxis axis) {
  std::vector<double> at;
  for (const SweepCurve* curve : curves) {
    const bool by_loss = curve->measure == Measure::loss;
    const Columns looks = columns_of(*curve, axis, by_loss ? held_out_loss : held_out_metric);
    if (looks.x.size() > at.size()) at = looks.x;
  }
  if (at.empty()) return {};
  const auto train = bands(curves, axis, train_loss, at);
  const auto loss = bands(curves, axis, held_out_loss, at);
  const auto metric = bands(curves, axis, held_out_metric, at);
  std::vector<SmoothedPoint> result;
  for (std::size_t i = 0; i < at.size(); ++i)
    result.push_back({at[i], train[i], loss[i], metric[i]});
  return result;
}

std::vector<double> PooledSweeps::worth() const {
  std::vector<double> result;
  for (const SmoothedPoint& point : points)
    result.push_back(measure == Measure::loss ? -point.held_out_loss.value
                                              : point.held_out_metric.value);
  return result;
}

Tolerance PooledSweeps::tolerance() const {
  return sample_losses && measure == Measure::loss ? tolerance_of_pairs(sample_losses)
                                                   : tolerance_of_means(worth(), samples, measure);
}

PooledSweeps pool(const std::vector<const SweepCurve*>& given) {
  const double most = untrained_loss(given);
  std::vector<SweepCurve> kept;
  for (const SweepCurve* curve : given) kept.push_back(bounded(*curve, most));
  std::vector<const SweepCurve*> limited;
  for (const SweepCurve& curve : kept) limited.push_back(&curve);
  const bool by_loss = std::any_of(given.begin(), given.end(), [](const auto* curve) {
    return curve->measure == Measure::loss;
  });
  const std::vector<const SweepCurve*>& curves = by_loss ? limited : given;
  PooledSweeps sweeps;
  sweeps.points = smooth(curves);
  for (const SweepCurve* curve : curves) {
    sweeps.measure = curve->measure;
    sweeps.samples += curve->held_out;
  }
  std::vector<double> at;
  for (const SmoothedPoint& point : sweeps.points) at.push_back(point.x);
  sweeps.sample_losses = smoothed_samples(limited, at);
  if (sweeps.measure == Measure::loss && !sweeps.sample_losses) require_samples(curves);
  const std::vector<double> tolerances = tolerances_along(sweeps.worth(), sweeps.tolerance());
  for (std::size_t i = 0; i < at.size(); ++i)
    if (std::isfinite(tolerances[i])) sweeps.points[i].standard_error = tolerances[i] / 2;
  return sweeps;
}

Suggestion smith_on(const PooledSweeps& sweeps, const std::string& beyond) {
  std::vector<double> lr;
  for (const SmoothedPoint& point : sweeps.points) lr.push_back(point.x);
  return smith_rule(lr, sweeps.worth(), sweeps.tolerance(), beyond, sweeps.measure);
}

double reach_of(const PooledSweeps& sweeps) {
  double reach = sweeps.measure == Measure::loss ? -HUGE_VAL : 0;
  for (const double worth : sweeps.worth()) reach = std::max(reach, worth);
  return reach;
}

double noise_between(const PooledSweeps& first, const PooledSweeps& second) {
  const auto at_best = [](const PooledSweeps& sweeps) {
    return sweeps.sample_losses && sweeps.measure == Measure::loss
               ? sweeps.sample_losses->at(best_of(sweeps.worth()))
               : std::vector<double>();
  };
  const std::vector<double> own = at_best(first);
  const std::vector<double> other = at_best(second);
  return !own.empty() && own.size() == other.size()
             ? 2 * paired_error(own, other)
             : tolerance(reach_of(first), first.samples, first.measure);
}

bool reaches_more(const PooledSweeps& first, const PooledSweeps& second) {
  return reach_of(second) < reach_of(first) - noise_between(first, second);
}

}  // namespace onecycle
