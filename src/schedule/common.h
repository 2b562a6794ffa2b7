#pragma once

#include "onecycle/schedules.h"

#include "schedule/curves.h"
#include "schedule/used_numbers.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

// What the schedules share: options that several structs have by the same names, and what they
// mean.
namespace onecycle {

namespace schedule {

inline Words<Shape> shapes() {
  return {{"constant", Shape::constant},
          {"linear", Shape::linear},
          {"cosine", Shape::cosine},
          {"exponential", Shape::exponential}};
}

OptionTable<Warmup> warmup_table();
OptionTable<OwnCurve> decay_table();
OptionTable<OwnCurve> momentum_table();

// The options of a schedule that can move momentum opposite to the learning rate.
struct CycledMomentum {
  std::optional<bool> cycle;
  std::optional<double> max, min;
};
template <class S>
CycledMomentum cycled_momentum_in(const S& options) {
  return {options.cycle_momentum, options.momentum_max, options.momentum_min};
}
std::optional<std::string> violation_of(const CycledMomentum& options);

// Adds the options that S has of those.
template <class S>
OptionTable<S> with_shared_options(OptionTable<S> table) {
  if constexpr (requires(S options) { options.cycle_momentum; }) {
    table
        .add("cycle_momentum", &S::cycle_momentum,
             "let momentum move opposite to the learning rate; null: unless optimizer.momentum is "
             "set")
        .add("momentum_max", &S::momentum_max, "momentum at the lowest learning rate; null: 0.95")
        .range(from_below(0, 1))
        .add("momentum_min", &S::momentum_min, "momentum at the highest learning rate; null: 0.85")
        .range(from_below(0, 1))
        .rule([](const S& options) -> std::optional<typename OptionTable<S>::Violation> {
          if (const auto wrong = violation_of(cycled_momentum_in(options)))
            return typename OptionTable<S>::Violation{
                options.momentum_min ? "momentum_min" : "momentum_max", *wrong};
          return std::nullopt;
        })
        .on(Change::set_momentum_max,
            [](S& options, double highest) {
              options.cycle_momentum.reset();
              options.momentum_max = highest;
            })
        .on(Change::set_momentum_min,
            [](S& options, double lowest) {
              options.cycle_momentum.reset();
              options.momentum_min = lowest;
            })
        .on(Change::release_momentum, [](S& options, double) {
          options.cycle_momentum.reset();
          options.momentum_max.reset();
          options.momentum_min.reset();
        });
  }
  if constexpr (requires(S options, OwnCurve own) { options.momentum = own; })
    table.add_section("momentum", &S::momentum, momentum_table())
        .on(Change::release_momentum, [](S& options, double) { options.momentum = {}; });
  if constexpr (requires(S options, OwnCurve own) { options.weight_decay = own; })
    table.add_section("weight_decay", &S::weight_decay, decay_table())
        .on(Change::release_weight_decay, [](S& options, double) { options.weight_decay = {}; });
  if constexpr (requires(S options) { options.warmup; })
    table.add_section("warmup", &S::warmup, warmup_table())
        .on(Change::scale_lengths, [](S& options, double factor) {
          options.warmup.duration = options.warmup.duration.times(factor);
        });
  return table;
}

// One hyper-parameter over the run, at steps >= 0 of total >= 1.
using Quantity = std::function<double(std::int64_t step, std::int64_t total)>;

struct Quantities {
  Quantity lr;
  Quantity momentum;
  Quantity weight_decay;
  // The steps, or places between two, at which they turn or jump; unset: nowhere.
  std::function<std::vector<double>(std::int64_t total)> corners = {};
  // What is taken for options that may be left open; unset: nothing is.
  std::function<UsedNumbers(std::int64_t total)> used = {};
};

Quantity constant(double value);
std::unique_ptr<Schedule> compose(Quantities quantities, const Warmup& warmup,
                                  const ScheduleContext& context);

// The rate that a schedule's `key` or optimizer.lr names; exactly one of them must.
double chosen_lr(const std::optional<double>& named, const std::string& key,
                 const ScheduleContext& context);
// Throws when the optimizer names a constant that the schedule's `key` names as well.
void refuse_both(const std::optional<double>& constant, const std::string& optimizer_key,
                 const std::string& key);
// Throws when the rate that `key` sets is above the highest one.
void require_ordered(double lr, const std::string& key, double lr_max);

Quantity chosen_momentum(const OwnCurve& own, const ScheduleContext& context);
Quantity chosen_decay(const OwnCurve& own, const ScheduleContext& context);

struct Bounds {
  double low = 0;
  double high = 0;
};
// The bounds that momentum moves between; nothing when it is constant.
std::optional<Bounds> bounds_of(const CycledMomentum& options, const ScheduleContext& context);
// What they are in a recipe; nothing of bounds where momentum is constant.
UsedNumbers numbers_of(const std::optional<Bounds>& momentum);
// Momentum that nobody cycles: optimizer.momentum, else 0.9.
double constant_momentum(const ScheduleContext& context);

inline void scale(std::optional<double>& number, double factor) {
  if (number) *number *= factor;
}
inline void scale(std::optional<Duration>& length, double factor) {
  if (length) length = length->times(factor);
}

// The entry of a schedule whose options fill S.
template <class S>
ScheduleRegistry::Entry entry(const OptionTable<S>& bare) {
  return ScheduleRegistry::entry(with_shared_options(bare),
                                 [](const S& options, const ScheduleContext& context) {
                                   return make_schedule(options, context);
                                 });
}

}  // namespace schedule
}  // namespace onecycle
