#include "tuning/range_test/overlay.h"

#include "core/text/format.h"
#include "train/step/decay.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace onecycle {

namespace {

constexpr double kNoEffect = 0.02;  // of the sum of lr_t lambda: weights shrink by less than 2 %
constexpr double kNearlyAsFar = 0.8;

double lowest_loss(const std::vector<SmoothedPoint>& points) {
  double lowest = std::numeric_limits<double>::infinity();
  for (const SmoothedPoint& point : points) lowest = std::min(lowest, point.held_out_loss.value);
  return lowest;
}

// What decay takes off the weights along the sweep: the sum of lr_t lambda_decoupled.
double shrink_along(const SweepCurve& curve, double decoupled) {
  double sum = 0;
  for (const SweepPoint& point : curve.points) sum += point.lr * decoupled;
  return sum;
}

// x of the end of a curve.
double end_of(const SweepCurve& curve, SweepAxis axis) {
  if (curve.points.empty()) return 0;
  const SweepPoint& last = curve.points.back();
  return axis == SweepAxis::lr ? last.lr : static_cast<double>(last.step + 1);
}

}  // namespace

void add_overlays(RangeTest& test, const OverlayPlan& plan, StopSignal& stop, Observer* progress) {
  double strongest = 0;
  double farthest = 0;
  const std::size_t first = test.overlays.size();
  for (const OverlayCase& one : plan.cases) {
    Run run = one.make_run();
    const double decoupled =
        summarise_decay(*run.schedule, run.rule, run.steps.total_steps).decoupled;
    Overlay overlay;
    overlay.of = plan.of;
    overlay.label = one.label;
    overlay.axis = plan.axis();
    const SweepCurve curve = sweep(run, plan.sweep, stop, progress);
    if (curve.interrupted) return;
    overlay.smoothed = smooth({&curve}, overlay.axis);
    overlay.stable_to = end_of(curve, overlay.axis);
    overlay.held_out_loss = lowest_loss(overlay.smoothed);
    strongest = std::max(strongest, shrink_along(curve, decoupled));
    farthest = std::max(farthest, overlay.stable_to);
    test.overlays.push_back(std::move(overlay));
  }
  Overlay* best = nullptr;
  for (std::size_t i = first; i < test.overlays.size(); ++i) {
    Overlay& overlay = test.overlays[i];
    if (overlay.stable_to < kNearlyAsFar * farthest) continue;
    if (best == nullptr || overlay.held_out_loss < best->held_out_loss) best = &overlay;
  }
  if (best == nullptr) return;
  if (plan.of == kWeightDecay && strongest < kNoEffect) {
    test.words.push_back(
        format("No measurable effect of weight decay: even the largest shrinks weights by {:.2g} % "
               "along the sweep.",
               100 * strongest));
    return;
  }
  best->best = true;
  test.words.push_back(
      format("The lowest held-out loss, {:.4f}, is that of {}.", best->held_out_loss, best->label));
}

void add_momentum_range(RangeTest& test, const MomentumRange& range, const Sweep& like, Run& run,
                        StopSignal& stop, Observer* progress) {
  Sweep plan = like;
  plan.shape = SweepShape::linear;
  plan.low = plan.high = range.lr;
  plan.momentum = {range.low, range.high};
  const SweepCurve curve = sweep(run, plan, stop, progress);
  if (curve.interrupted || curve.points.empty()) return;
  Overlay overlay;
  overlay.of = "momentum range";
  overlay.label = format("learning rate {:.3g}", range.lr);
  overlay.axis = SweepAxis::momentum;
  overlay.smoothed = smooth({&curve}, overlay.axis);
  overlay.stable_to = curve.points.back().momentum;
  overlay.held_out_loss = lowest_loss(overlay.smoothed);
  for (const SmoothedPoint& point : overlay.smoothed)
    if (point.held_out_loss.value == overlay.held_out_loss)
      test.words.push_back(format(
          "Momentum range test at learning rate {:.3g}: the held-out loss is lowest, {:.4f}, at "
          "momentum {:.3g}{}. Short runs at several values (--momentum) choose better.",
          range.lr, overlay.held_out_loss, point.x,
          curve.stopped.empty() ? std::string()
                                : format(", and diverges at {:.3g}", overlay.stable_to)));
  test.overlays.push_back(std::move(overlay));
}

}  // namespace onecycle
