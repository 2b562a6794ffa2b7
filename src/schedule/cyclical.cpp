#include "core/text/number.h"
#include "schedule/common.h"

#include <cmath>

// Cyclical learning rates, arXiv 1506.01186; equal to torch.optim.lr_scheduler.CyclicLR.
namespace onecycle {

namespace schedule {

namespace {

using CyclicalTable = OptionTable<Cyclical>;
using Mode = Cyclical::Mode;

constexpr double kGamma = 0.99994;  // the paper's, on CIFAR-10

CyclicalTable cyclical_table() {
  CyclicalTable table("cyclical",
                      "The learning rate up and down between two bounds, over and over");
  table.add("lr_max", &Cyclical::lr_max, "upper bound; null: optimizer.lr")
      .range(above(0))
      .add("lr_min", &Cyclical::lr_min, "lower bound; null: lr_max / 10")
      .range(at_least(0))
      .add("mode", &Cyclical::mode,
           {{"triangular", Mode::triangular},
            {"triangular2", Mode::triangular2},
            {"exp_range", Mode::exp_range}},
           "triangular: every cycle alike; triangular2: each half as high as the one before; "
           "exp_range: times gamma^step")
      .add("gamma", &Cyclical::gamma, "decay of exp_range per step; null: 0.99994")
      .range({.low = 0, .high = 1, .low_open = true})
      .add("step_up", &Cyclical::step_up, "length of the way up")
      .range(above(0))
      .unit("epochs or steps")
      .add("step_down", &Cyclical::step_down, "length of the way down; null: step_up")
      .range(above(0))
      .unit("epochs or steps")
      .rule([](const Cyclical& options) -> std::optional<CyclicalTable::Violation> {
        if (options.gamma && options.mode != Mode::exp_range)
          return CyclicalTable::Violation{"gamma", "only mode exp_range uses it"};
        if (options.lr_min && options.lr_max && *options.lr_min > *options.lr_max)
          return CyclicalTable::Violation{"lr_min", "must not exceed lr_max"};
        return std::nullopt;
      })
      .on(Change::set_lr,
          [](Cyclical& options, double lr_max) {
            options.lr_max = lr_max;
            options.lr_min = lr_max / 10;
          })
      .on(Change::scale_lr,
          [](Cyclical& options, double factor) {
            scale(options.lr_max, factor);
            scale(options.lr_min, factor);
          })
      .on(Change::scale_lengths, [](Cyclical& options, double factor) {
        options.step_up = options.step_up.times(factor);
        scale(options.step_down, factor);
        // A factor a step reaches the same end in fewer steps as a power of itself.
        if (options.mode == Mode::exp_range)
          options.gamma = std::pow(options.gamma.value_or(kGamma), 1 / factor);
      });
  return table;
}

struct Cycle {
  std::int64_t up = 1;
  std::int64_t down = 1;
  Mode mode = Mode::triangular;
  double gamma = 1;

  // How far step is from the lower bound to the upper: 0 to 1. In PyTorch's own order of
  // operations: the digits that 1 + step/length loses as cycles go by are then the same.
  double height(std::int64_t step) const {
    const double length = static_cast<double>(up + down);
    const double passed = 1 + static_cast<double>(step) / length;
    const double cycle = std::floor(passed);
    const double within = passed - cycle;
    const double rise = static_cast<double>(up) / length;
    const double triangle = within <= rise ? within / rise : (within - 1) / (rise - 1);
    return triangle * amplitude(step, cycle);
  }

 private:
  double amplitude(std::int64_t step, double cycle) const {
    switch (mode) {
      case Mode::triangular:
        return 1;
      case Mode::triangular2:
        return std::pow(2.0, 1 - cycle);
      case Mode::exp_range:
        return std::pow(gamma, static_cast<double>(step));
    }
    return 1;
  }
};

}  // namespace

ScheduleRegistry::Entry cyclical_entry() { return entry(cyclical_table()); }

}  // namespace schedule

std::unique_ptr<Schedule> make_schedule(const Cyclical& options, const ScheduleContext& context) {
  using namespace schedule;
  const double high = chosen_lr(options.lr_max, "lr_max", context);
  const double low = options.lr_min.value_or(high / 10);
  require_ordered(low, "lr_min", high);
  Cycle cycle;
  cycle.up = options.step_up.steps(context.steps_per_epoch);
  cycle.down = options.step_down.value_or(options.step_up).steps(context.steps_per_epoch);
  cycle.mode = options.mode;
  cycle.gamma = options.gamma.value_or(kGamma);

  Quantities quantities;
  quantities.lr = [cycle, low, high](std::int64_t step, std::int64_t) {
    return interpolate(Shape::linear, low, high, cycle.height(step));
  };
  quantities.momentum = constant(constant_momentum(context));
  const auto bounds = bounds_of(cycled_momentum_in(options), context);
  if (bounds)
    quantities.momentum = [cycle, bounds = *bounds](std::int64_t step, std::int64_t) {
      return interpolate(Shape::linear, bounds.high, bounds.low, cycle.height(step));
    };
  quantities.used = [options, cycle, low, bounds](std::int64_t) {
    UsedNumbers used = numbers_of(bounds);
    used.emplace_back("lr_min", number_text(low));
    used.emplace_back("step_down", options.step_up.text());
    if (cycle.mode == Cyclical::Mode::exp_range)
      used.emplace_back("gamma", number_text(cycle.gamma));
    return used;
  };
  quantities.weight_decay = chosen_decay(options.weight_decay, context);
  // The first peak, which none after it exceeds.
  quantities.corners = [up = cycle.up](std::int64_t) {
    return std::vector<double>{static_cast<double>(up)};
  };
  return compose(std::move(quantities), options.warmup, context);
}

}  // namespace onecycle
