#include "schedule/common.h"

#include <algorithm>
#include <cmath>

// Equal to torch.optim.lr_scheduler.MultiStepLR.
namespace onecycle {

namespace schedule {

namespace {

OptionTable<Multistep> multistep_table() {
  OptionTable<Multistep> table("multistep",
                               "A learning rate that falls by a factor at each milestone");
  table.add("lr", &Multistep::lr, "first learning rate; null: optimizer.lr")
      .range(above(0))
      .add("milestones", &Multistep::milestones,
           "where it falls, counted from the end of the warm-up")
      .range(above(0))
      .unit("epochs or steps")
      .required()
      .add("gamma", &Multistep::gamma, "factor at each milestone")
      .range({.low = 0, .high = 1, .low_open = true})
      .on(Change::set_lr, [](Multistep& options, double lr) { options.lr = lr; })
      .on(Change::scale_lr, [](Multistep& options, double factor) { scale(options.lr, factor); })
      .on(Change::scale_lengths, [](Multistep& options, double factor) {
        for (Duration& milestone : options.milestones) milestone = milestone.times(factor);
      });
  return table;
}

}  // namespace

ScheduleRegistry::Entry multistep_entry() { return entry(multistep_table()); }

}  // namespace schedule

std::unique_ptr<Schedule> make_schedule(const Multistep& options, const ScheduleContext& context) {
  using namespace schedule;
  std::vector<std::int64_t> milestones;
  for (const Duration& milestone : options.milestones)
    milestones.push_back(milestone.steps(context.steps_per_epoch));
  const auto lr = [first = chosen_lr(options.lr, "lr", context), gamma = options.gamma, milestones](
                      std::int64_t step, std::int64_t) {
    const auto passed = std::count_if(milestones.begin(), milestones.end(),
                                      [step](std::int64_t milestone) { return milestone <= step; });
    return first * std::pow(gamma, static_cast<double>(passed));
  };
  const auto corners = [milestones](std::int64_t) {
    return std::vector<double>(milestones.begin(), milestones.end());
  };
  return compose({lr, chosen_momentum(options.momentum, context),
                  chosen_decay(options.weight_decay, context), corners},
                 options.warmup, context);
}

}  // namespace onecycle
