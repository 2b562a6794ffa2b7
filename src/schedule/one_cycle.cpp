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
// One after the other, the first from position `begin`.
struct Phases {
  std::vector<Phase> all;
  double begin = 0;
};

constexpr auto kHigh = Momentum::high;
constexpr auto kLow = Momentum::low;

double stepsize(const OneCyclePlan& plan, std::int64_t total) {
  return static_cast<double>(one_cycle_stepsize(plan, total));
}

Phases smith(const OneCyclePlan& plan, std::int64_t total) {
  const double up = stepsize(plan, total);
  const double last = static_cast<double>(total - 1);
  return {{{up, plan.lr_first, plan.lr_max, kHigh, kLow},
           {2 * up, plan.lr_max, plan.lr_first, kLow, kHigh},
           {last, plan.lr_first, plan.lr_final, kHigh, kHigh}}};
}

// Comes down towards 0 from the maximum. His momentum falls again after the cycle; here it is held.
Phases smith_caffe(const OneCyclePlan& plan, std::int64_t total) {
  const double up = stepsize(plan, total);
  const double forever = std::numeric_limits<double>::infinity();
  return {{{up, plan.lr_first, plan.lr_max, kHigh, kLow},
           {2 * up, plan.lr_max, 0, kLow, kHigh},
           {forever, plan.lr_final, plan.lr_final, kHigh, kHigh, Shape::constant}}};
}

// Over fastai_position.
Phases fastai(const OneCyclePlan& plan) {
  return {{{1, plan.lr_first, plan.lr_max, kHigh, kLow, Shape::cosine},
           {2, plan.lr_max, plan.lr_final, kLow, kHigh, Shape::cosine}}};
}

// How far a step is: 0 to 1 on the way up, 1 to 2 on the way down. Progress is t/T, so that the
// last step falls short of the end. fastai keeps its phases' ends in a float32 tensor, and with
// them all that it computes from them: so must this, or its rates differ in the eighth digit.
double fastai_position(double pct_start, std::int64_t step, std::int64_t total) {
  const auto p =
      static_cast<float>(std::min(1.0, static_cast<double>(step) / static_cast<double>(total)));
  const auto top = static_cast<float>(pct_start);
  const float end = top + static_cast<float>(1 - pct_start);
  if (p < top || end <= top) return static_cast<double>(p / top);
  return 1 + static_cast<double>((p - top) / (end - top));
}

// The first phases end one step (two steps) early, as PyTorch's do. With pct_start·total < 1 that
// is before the first step, and there the last phase begins. At 1, where PyTorch divides by zero,
// it begins with the first step. A run of one step takes the first rate.
Phases torch(const OneCyclePlan& plan, std::int64_t total) {
  const double last = static_cast<double>(total - 1);
  const double up = plan.pct_start * static_cast<double>(total) - 1;
  const double down = 2 * plan.pct_start * static_cast<double>(total) - 2;
  const Phase rise{up, plan.lr_first, plan.lr_max, kHigh, kLow, plan.shape};
  const Phase fall{down, plan.lr_max, plan.lr_first, kLow, kHigh, plan.shape};
  const Phase end = plan.three_phase
                        ? Phase{last, plan.lr_first, plan.lr_final, kHigh, kHigh, plan.shape}
                        : Phase{last, plan.lr_max, plan.lr_final, kLow, kHigh, plan.shape};
  if (total == 1) return {{{1, plan.lr_first, plan.lr_first, kHigh, kHigh}}};
  if (up <= 0) return {{end}, plan.three_phase ? down : up};
  if (plan.three_phase) return {{rise, fall, end}};
  return {{rise, end}};
}

Phases phases(const OneCyclePlan& plan, std::int64_t total) {
  switch (plan.policy) {
    case Policy::smith:
      return smith(plan, total);
    case Policy::smith_caffe:
      return smith_caffe(plan, total);
    case Policy::fastai:
      return fastai(plan);
    case Policy::torch:
      return torch(plan, total);
  }
  return {};
}

double position(const OneCyclePlan& plan, std::int64_t step, std::int64_t total) {
  if (plan.policy == Policy::fastai) return fastai_position(plan.pct_start, step, total);
  return static_cast<double>(std::min(step, total - 1));
}

}  // namespace

std::int64_t one_cycle_stepsize(const OneCyclePlan& plan, std::int64_t total) {
  return plan.stepsize.value_or(std::max<std::int64_t>(1, total * 9 / 20));
}

double one_cycle_lr(const OneCyclePlan& plan, std::int64_t step, std::int64_t total) {
  const auto [all, begin] = phases(plan, total);
  std::vector<Piece> pieces;
  for (const Phase& phase : all)
    pieces.push_back({phase.end, phase.lr_from, phase.lr_to, phase.shape});
  const double lr = Curve(std::move(pieces), begin).at(position(plan, step, total));
  return plan.policy == Policy::smith_caffe ? std::max(lr, plan.lr_final) : lr;
}

double one_cycle_momentum(const OneCyclePlan& plan, double low, double high, std::int64_t step,
                          std::int64_t total) {
  const auto bound = [&](Momentum momentum) { return momentum == kHigh ? high : low; };
  const auto [all, begin] = phases(plan, total);
  std::vector<Piece> pieces;
  for (const Phase& phase : all)
    pieces.push_back(
        {phase.end, bound(phase.momentum_from), bound(phase.momentum_to), phase.shape});
  return Curve(std::move(pieces), begin).at(position(plan, step, total));
}

std::vector<double> one_cycle_corners(const OneCyclePlan& plan, std::int64_t total) {
  if (plan.policy == Policy::fastai) return {plan.pct_start * static_cast<double>(total)};
  std::vector<double> corners;
  for (const Phase& phase : phases(plan, total).all) corners.push_back(phase.end);
  return corners;
}

}  // namespace onecycle::schedule
