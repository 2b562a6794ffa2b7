#include "schedule/common.h"

// SGDR, arXiv 1608.03983; with `cycle` equal to
// torch.optim.lr_scheduler.CosineAnnealingWarmRestarts.
namespace onecycle {

namespace schedule {

namespace {

using CosineTable = OptionTable<Cosine>;

CosineTable cosine_table() {
  CosineTable table("cosine",
                    "Half a cosine from a highest learning rate to a lowest, with warm restarts");
  table.add("lr_max", &Cosine::lr_max, "first learning rate; null: optimizer.lr")
      .range(above(0))
      .add("lr_min", &Cosine::lr_min, "lowest learning rate")
      .range(at_least(0))
      .add("cycle", &Cosine::cycle,
           "length of the first cycle (T_0); null: no restart, lr_min at the last step")
      .range(above(0))
      .unit("epochs or steps")
      .add("cycle_factor", &Cosine::cycle_factor,
           "each cycle's length over the one before (T_mult)")
      .range(between(1, 1000))
      .rule([](const Cosine& options) -> std::optional<CosineTable::Violation> {
        if (options.lr_max && options.lr_min > *options.lr_max)
          return CosineTable::Violation{"lr_min", "must not exceed lr_max"};
        if (!options.cycle && options.cycle_factor != 1)
          return CosineTable::Violation{"cycle_factor",
                                        "needs `cycle`, the length of the first cycle"};
        return std::nullopt;
      })
      .on(Change::set_lr, [](Cosine& options, double lr_max) { options.lr_max = lr_max; })
      .on(Change::scale_lr,
          [](Cosine& options, double factor) {
            scale(options.lr_max, factor);
            options.lr_min *= factor;
          })
      .on(Change::scale_lengths,
          [](Cosine& options, double factor) { scale(options.cycle, factor); });
  return table;
}

// The fraction of its cycle that step has done.
double fraction_of_cycle(std::int64_t step, std::int64_t length, std::int64_t factor) {
  if (factor == 1) step %= length;
  while (step >= length) {
    step -= length;
    length *= factor;
  }
  return static_cast<double>(step) / static_cast<double>(length);
}

}  // namespace

ScheduleRegistry::Entry cosine_entry() { return entry(cosine_table()); }

}  // namespace schedule

std::unique_ptr<Schedule> make_schedule(const Cosine& options, const ScheduleContext& context) {
  using namespace schedule;
  const double high = chosen_lr(options.lr_max, "lr_max", context);
  const double low = options.lr_min;
  require_ordered(low, "lr_min", high);
  Quantity lr = [high, low](std::int64_t step, std::int64_t total) {
    return interpolate(Shape::cosine, high, low, progress(step, total));
  };
  if (options.cycle)
    lr = [high, low, length = options.cycle->steps(context.steps_per_epoch),
          factor = options.cycle_factor](std::int64_t step, std::int64_t) {
      return interpolate(Shape::cosine, high, low, fraction_of_cycle(step, length, factor));
    };
  return compose(
      {lr, chosen_momentum(options.momentum, context), chosen_decay(options.weight_decay, context)},
      options.warmup, context);
}

}  // namespace onecycle
