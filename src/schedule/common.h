#pragma once

#include "onecycle/options.h"
#include "onecycle/schedules.h"

#include "schedule/curves.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

// What the schedules share: option groups that an entry's struct inherits, and what they mean.
namespace onecycle {

template <>
struct EnumNames<Shape> {
  static std::vector<std::pair<std::string, Shape>> values() {
    return {{"constant", Shape::constant},
            {"linear", Shape::linear},
            {"cosine", Shape::cosine},
            {"exponential", Shape::exponential}};
  }
};
template <>
struct OptionType<Shape> : EnumOption<Shape> {};

namespace schedule {

// Steps before the schedule proper, which then has total - duration steps: the learning rate rises
// from a fraction of the schedule's first one to it; momentum waits at its first value.
struct Warmup {
  Duration duration{0, Duration::Unit::steps};
  double from = 0;
  Shape shape = Shape::linear;
};

// A quantity that follows a curve of its own; without `from` there is none, without `to` it is
// constant.
struct OwnCurve {
  std::optional<double> from;
  std::optional<double> to;
  Shape shape = Shape::linear;
};

struct WithWarmup {
  Warmup warmup;
};

struct WithDecay {
  OwnCurve weight_decay;
};

struct WithMomentum {
  OwnCurve momentum;
};

// Momentum opposite to the learning rate.
struct WithCycledMomentum {
  std::optional<bool> cycle_momentum;
  std::optional<double> momentum_max;
  std::optional<double> momentum_min;
};

OptionTable<Warmup> warmup_table();
OptionTable<OwnCurve> decay_table();
OptionTable<OwnCurve> momentum_table();
std::optional<std::string> cycled_momentum_violation(const WithCycledMomentum& options);

// Adds the options of every shared group that S inherits.
template <class S>
OptionTable<S> with_shared_options(OptionTable<S> table) {
  if constexpr (std::is_base_of_v<WithCycledMomentum, S>) {
    table
        .add("cycle_momentum", static_cast<std::optional<bool> S::*>(&S::cycle_momentum),
             "let momentum move opposite to the learning rate; null: unless optimizer.momentum is "
             "set")
        .add("momentum_max", static_cast<std::optional<double> S::*>(&S::momentum_max),
             "momentum at the lowest learning rate; null: 0.95")
        .range(from_below(0, 1))
        .add("momentum_min", static_cast<std::optional<double> S::*>(&S::momentum_min),
             "momentum at the highest learning rate; null: 0.85")
        .range(from_below(0, 1))
        .rule([](const S& options) -> std::optional<typename OptionTable<S>::Violation> {
          if (const auto wrong = cycled_momentum_violation(options))
            return typename OptionTable<S>::Violation{
                options.momentum_min ? "momentum_min" : "momentum_max", *wrong};
          return std::nullopt;
        });
  }
  if constexpr (std::is_base_of_v<WithMomentum, S>)
    table.add_section("momentum", static_cast<OwnCurve S::*>(&S::momentum), momentum_table());
  if constexpr (std::is_base_of_v<WithDecay, S>)
    table.add_section("weight_decay", static_cast<OwnCurve S::*>(&S::weight_decay), decay_table());
  if constexpr (std::is_base_of_v<WithWarmup, S>)
    table.add_section("warmup", static_cast<Warmup S::*>(&S::warmup), warmup_table());
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
std::optional<Bounds> cycled_momentum(const WithCycledMomentum& options,
                                      const ScheduleContext& context);
// Momentum that nobody cycles: optimizer.momentum, else 0.9.
double constant_momentum(const ScheduleContext& context);

// An entry whose options fill S; `make(const S&, const ScheduleContext&)` builds the schedule.
template <class S, class Make>
ScheduleRegistry::Entry entry(const OptionTable<S>& bare, Make make) {
  const OptionTable<S> table = with_shared_options(bare);
  return {table.variant(), [table, make](const Value& given, const ScheduleContext& context) {
            Problems problems;
            const S options = table.read(given, "schedule", problems);
            problems.throw_if_any();
            return make(options, context);
          }};
}

}  // namespace schedule
}  // namespace onecycle
