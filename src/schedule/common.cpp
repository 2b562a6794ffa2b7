#include "schedule/common.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/text/number.h"
#include "schedule/survey.h"

#include <algorithm>
#include <cmath>

namespace onecycle::schedule {

namespace {

constexpr double kMomentum = 0.9;
constexpr double kMomentumMax = 0.95;
constexpr double kMomentumMin = 0.85;

using CurveTable = OptionTable<OwnCurve>;

std::optional<CurveTable::Violation> curve_violation(const OwnCurve& curve) {
  if (curve.to && !curve.from)
    return CurveTable::Violation{"from", "is required with `to`: the value at the first step"};
  if (curve.shape == Shape::exponential && curve.from &&
      std::min(*curve.from, curve.to.value_or(*curve.from)) <= 0)
    return CurveTable::Violation{"shape", "exponential needs `from` and `to` above 0"};
  return std::nullopt;
}

CurveTable curve_table(const std::string& name, const std::string& meaning, const Range& range) {
  CurveTable table(name, meaning);
  table.add("from", &OwnCurve::from, "value at the first step; null: no curve")
      .range(range)
      .add("to", &OwnCurve::to, "value at the last step; null: the same as `from`")
      .range(range)
      .add("shape", &OwnCurve::shape, shapes(), "the way between them")
      .rule(curve_violation);
  return table;
}

Quantity over_run(const OwnCurve& curve) {
  const double from = *curve.from;
  const double to = curve.to.value_or(from);
  return [from, to, shape = curve.shape](std::int64_t step, std::int64_t total) {
    return interpolate(shape, from, to, progress(step, total));
  };
}

class Composed : public Schedule, public Cornered, public WithUsedNumbers {
 public:
  Composed(Quantities quantities, const Warmup& warmup, const ScheduleContext& context)
      : quantities_(std::move(quantities)),
        warmup_(warmup),
        warmup_steps_(warmup.duration.steps(context.steps_per_epoch)),
        lr_(context.lr) {}

  Hyper at(std::int64_t step, std::int64_t total) const override {
    step = std::max<std::int64_t>(step, 0);
    total = std::max<std::int64_t>(total, 1);
    const std::int64_t own_total = std::max<std::int64_t>(total - warmup_steps_, 1);
    const std::int64_t own_step = std::max<std::int64_t>(step - warmup_steps_, 0);
    Hyper hyper{quantities_.lr(own_step, own_total), quantities_.momentum(own_step, own_total),
                quantities_.weight_decay(step, total)};
    if (step < warmup_steps_)
      hyper.lr = interpolate(warmup_.shape, warmup_.from * hyper.lr, hyper.lr,
                             static_cast<double>(step) / static_cast<double>(warmup_steps_));
    return hyper;
  }

  std::vector<std::int64_t> corners(std::int64_t total) const override {
    std::vector<std::int64_t> result{warmup_steps_};
    if (!quantities_.corners) return result;
    const std::int64_t own_total = std::max<std::int64_t>(total - warmup_steps_, 1);
    for (const double corner : quantities_.corners(own_total))
      if (corner >= 0 && corner < static_cast<double>(own_total))
        result.push_back(warmup_steps_ + static_cast<std::int64_t>(std::floor(corner)));
    return result;
  }

  UsedNumbers used_numbers(std::int64_t total) const override {
    UsedNumbers used;
    if (quantities_.used) used = quantities_.used(std::max<std::int64_t>(total - warmup_steps_, 1));
    if (lr_)
      for (const char* key : {"lr", "lr_max"}) used.emplace_back(key, number_text(*lr_));
    return used;
  }

 private:
  Quantities quantities_;
  Warmup warmup_;
  std::int64_t warmup_steps_;
  std::optional<double> lr_;  // the optimizer's, for whichever option is named so
};

}  // namespace

OptionTable<Warmup> warmup_table() {
  using Table = OptionTable<Warmup>;
  Table table("warmup",
              "Steps before the schedule proper, in which the learning rate rises to its first");
  table.add("duration", &Warmup::duration, "length; 0it: no warm-up")
      .range(at_least(0))
      .add("from", &Warmup::from, "fraction of the schedule's first learning rate to start at")
      .range(between(0, 1))
      .add("shape", &Warmup::shape, shapes(), "the way up")
      .rule([](const Warmup& warmup) -> std::optional<Table::Violation> {
        if (warmup.shape == Shape::exponential && warmup.from <= 0)
          return Table::Violation{"from", "must be more than 0 for an exponential warm-up"};
        return std::nullopt;
      });
  return table;
}

OptionTable<OwnCurve> decay_table() {
  return curve_table("weight_decay",
                     "Weight decay over the whole run, in place of optimizer.weight_decay",
                     at_least(0));
}

OptionTable<OwnCurve> momentum_table() {
  return curve_table("momentum", "Momentum over the run, in place of optimizer.momentum",
                     from_below(0, 1));
}

std::optional<std::string> violation_of(const CycledMomentum& options) {
  if (options.cycle == false && (options.max || options.min))
    return "has no use with cycle_momentum: false; leave one of them out";
  const double high = options.max.value_or(kMomentumMax);
  const double low = options.min.value_or(kMomentumMin);
  if (low > high) return format("momentum_min ({}) must not exceed momentum_max ({})", low, high);
  return std::nullopt;
}

Quantity constant(double value) {
  return [value](std::int64_t, std::int64_t) { return value; };
}

std::unique_ptr<Schedule> compose(Quantities quantities, const Warmup& warmup,
                                  const ScheduleContext& context) {
  return std::make_unique<Composed>(std::move(quantities), warmup, context);
}

void refuse_both(const std::optional<double>& constant, const std::string& optimizer_key,
                 const std::string& key) {
  if (constant)
    throw FieldError("schedule." + key,
                     format("sets the same quantity as {}: remove one of them", optimizer_key));
}

double chosen_lr(const std::optional<double>& named, const std::string& key,
                 const ScheduleContext& context) {
  if (named) {
    refuse_both(context.lr, "optimizer.lr", key);
    return *named;
  }
  if (!context.lr)
    throw FieldError("schedule." + key,
                     "no learning rate: set it (a range test finds one), or optimizer.lr");
  return *context.lr;
}

void require_ordered(double lr, const std::string& key, double lr_max) {
  if (lr > lr_max)
    throw FieldError("schedule." + key,
                     format("{} exceeds the highest learning rate, {}", lr, lr_max));
}

double constant_momentum(const ScheduleContext& context) {
  return context.momentum.value_or(kMomentum);
}

Quantity chosen_momentum(const OwnCurve& own, const ScheduleContext& context) {
  if (!own.from) return constant(constant_momentum(context));
  refuse_both(context.momentum, "optimizer.momentum", "momentum");
  return over_run(own);
}

Quantity chosen_decay(const OwnCurve& own, const ScheduleContext& context) {
  if (!own.from) return constant(context.weight_decay.value_or(0));
  refuse_both(context.weight_decay, "optimizer.weight_decay", "weight_decay");
  return over_run(own);
}

std::optional<Bounds> bounds_of(const CycledMomentum& options, const ScheduleContext& context) {
  if (options.max) refuse_both(context.momentum, "optimizer.momentum", "momentum_max");
  if (options.min) refuse_both(context.momentum, "optimizer.momentum", "momentum_min");
  if (options.cycle == true) refuse_both(context.momentum, "optimizer.momentum", "cycle_momentum");
  if (options.cycle == false || context.momentum) return std::nullopt;
  return Bounds{options.min.value_or(kMomentumMin), options.max.value_or(kMomentumMax)};
}

UsedNumbers numbers_of(const std::optional<Bounds>& momentum) {
  if (!momentum) return {{"cycle_momentum", "false"}};
  return {{"cycle_momentum", "true"},
          {"momentum_max", number_text(momentum->high)},
          {"momentum_min", number_text(momentum->low)}};
}

}  // namespace onecycle::schedule
