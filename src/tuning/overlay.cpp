#include "tuning/overlay.h"

#include "core/format.h"
#include "train/decay.h"

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

}  // namespace

void add_overlays(RangeTest& test, const OverlayPlan& plan, const MakeRunWith& make_run,
                  StopSignal& stop, Observer* progress) {
  double strongest = 0;
  double farthest = 0;
  const std::size_t first = test.overlays.size();
  for (const double value : plan.values) {
    Run run = make_run(value);
    const double decoupled =
        summarise_decay(*run.schedule, run.rule, run.steps.total_steps).decoupled;
    Overlay overlay;
    overlay.label =
        format("{} {:.3g}", plan.key == "momentum" ? "momentum" : "weight decay", value);
    overlay.value = value;
    const SweepCurve curve = sweep(run, plan.sweep, stop, progress);
    if (curve.interrupted) return;
    overlay.smoothed = smooth({&curve});
    overlay.stable_to = curve.points.empty() ? 0 : curve.points.back().lr;
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
  if (plan.key == "weight_decay" && strongest < kNoEffect) {
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

}  // namespace onecycle
