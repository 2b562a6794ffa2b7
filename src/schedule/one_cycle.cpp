#include "schedule/one_cycle.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace onecycle::schedule {

namespace {

// Which bound momentum stands at.
enum class Momentum { high, low };

struct Phase {
  double end;
  double lr_from, lr_to;
  Momentum momentum_from, momentum_to;
  Shape shape = Shape::linear;
};
using Phases = std::vector<Phase>;

constexpr auto kHigh = Momentum::high;
constexpr auto kLow = Momentum::low;

double stepsize(const OneCyclePlan& plan, std::int64_t total) {
  return static_cast<double>(plan.stepsize.value_or(std::max<std::int64_t>(1, total * 9 / 20)));
}

Phases smith(const OneCyclePlan& plan, std::int64_t total) {
  const double up = stepsize(plan, total);
  const double last = static_cast<double>(total - 1);
  return {{up, plan.lr_first, plan.lr_max, kHigh, kLow},
          {2 * up, plan.lr_max, plan.lr_first, kLow, kHigh},
          {last, plan.lr_first, plan.lr_final, kHigh, kHigh}};
}

// Comes down towards 0 from the maximum. His momentum falls again after the cycle; here it is held.
Phases smith_caffe(const OneCyclePlan& plan, std::int64_t total) {
  const double up = stepsize(plan, total);
  const double forever = std::numeric_limits<double>::infinity();
  return {{up, plan.lr_first, plan.lr_max, kHigh, kLow},
          {2 * up, plan.lr_max, 0, kLow, kHigh},
          {forever, plan.lr_final, plan.lr_final, kHigh, kHigh, Shape::constant}};
}

Phases fastai(const OneCyclePlan& plan, std::int64_t total) {
  const double last = static_cast<double>(total - 1);
  return {{plan.pct_start * last, plan.lr_first, plan.lr_max, kHigh, kLow, Shape::cosine},
          {last, plan.lr_max, plan.lr_final, kLow, kHigh, Shape::cosine}};
}

// The first phases end one step (two steps) early, as PyTorch's do. Where pct_start·total <= 1,
// which PyTorch does not serve, there is no way up.
Phases torch(const OneCyclePlan& plan, std::int64_t total) {
  const double last = static_cast<double>(total - 1);
  const double up = plan.pct_start * static_cast<double>(total) - 1;
  const double down = 2 * plan.pct_start * static_cast<double>(total) - 2;
  if (!plan.three_phase)
    return {{up, plan.lr_first, plan.lr_max, kHigh, kLow, plan.shape},
            {last, plan.lr_max, plan.lr_final, kLow, kHigh, plan.shape}};
  return {{up, plan.lr_first, plan.lr_max, kHigh, kLow, plan.shape},
          {down, plan.lr_max, plan.lr_first, kLow, kHigh, plan.shape},
          {last, plan.lr_first, plan.lr_final, kHigh, kHigh, plan.shape}};
}

Phases phases(const OneCyclePlan& plan, std::int64_t total) {
  switch (plan.policy) {
    case Policy::smith:
      return smith(plan, total);
    case Policy::smith_caffe:
      return smith_caffe(plan, total);
    case Policy::fastai:
      return fastai(plan, total);
    case Policy::torch:
      return torch(plan, total);
  }
  return {};
}

double position(std::int64_t step, std::int64_t total) {
  return static_cast<double>(std::min(step, total - 1));
}

}  // namespace

double one_cycle_lr(const OneCyclePlan& plan, std::int64_t step, std::int64_t total) {
  std::vector<Piece> pieces;
  for (const Phase& phase : phases(plan, total))
    pieces.push_back({phase.end, phase.lr_from, phase.lr_to, phase.shape});
  const double lr = Curve(std::move(pieces)).at(position(step, total));
  return plan.policy == Policy::smith_caffe ? std::max(lr, plan.lr_final) : lr;
}

double one_cycle_momentum(const OneCyclePlan& plan, double low, double high, std::int64_t step,
                          std::int64_t total) {
  const auto bound = [&](Momentum momentum) { return momentum == kHigh ? high : low; };
  std::vector<Piece> pieces;
  for (const Phase& phase : phases(plan, total))
    pieces.push_back(
        {phase.end, bound(phase.momentum_from), bound(phase.momentum_to), phase.shape});
  return Curve(std::move(pieces)).at(position(step, total));
}

}  // namespace onecycle::schedule
