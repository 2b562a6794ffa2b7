#include "schedule/common.h"

// A constant, and the ramps of a learning-rate range test.
namespace onecycle {

namespace schedule {

namespace {

OptionTable<Constant> constant_table() {
  OptionTable<Constant> table("constant", "One learning rate throughout");
  table.add("lr", &Constant::lr, "learning rate; null: optimizer.lr")
      .range(at_least(0))
      .on(Change::set_lr, [](Constant& options, double lr) { options.lr = lr; })
      .on(Change::scale_lr, [](Constant& options, double factor) { scale(options.lr, factor); });
  return table;
}

OptionTable<Ramp> ramp_table(const std::string& name, const std::string& meaning,
                             const Range& range) {
  OptionTable<Ramp> table(name, meaning);
  table.add("lr_from", &Ramp::lr_from, "learning rate of the first step")
      .range(range)
      .required()
      .add("lr_to", &Ramp::lr_to, "learning rate at the end of the ramp")
      .range(range)
      .required()
      .add("duration", &Ramp::duration,
           "length of the ramp, after which lr_to holds; null: it ends with the run's last step")
      .range(above(0))
      .unit("epochs or steps")
      .on(Change::set_lr, [](Ramp& options, double lr) { options.lr_to = lr; })
      .on(Change::scale_lr,
          [](Ramp& options, double factor) {
            options.lr_from *= factor;
            options.lr_to *= factor;
          })
      .on(Change::scale_lengths,
          [](Ramp& options, double factor) { scale(options.duration, factor); });
  return table;
}

// The entry of ramps of one shape, which is no option of theirs.
ScheduleRegistry::Entry ramp_entry(const OptionTable<Ramp>& table, Shape shape) {
  return ScheduleRegistry::entry(with_shared_options(table),
                                 [shape](Ramp options, const ScheduleContext& context) {
                                   options.shape = shape;
                                   return make_schedule(options, context);
                                 });
}

}  // namespace

ScheduleRegistry::Entry constant_entry() { return entry(constant_table()); }

ScheduleRegistry::Entry linear_entry() {
  return ramp_entry(
      ramp_table("linear", "A straight line from one learning rate to another: Smith's range test",
                 at_least(0)),
      Shape::linear);
}

ScheduleRegistry::Entry exponential_entry() {
  return ramp_entry(
      ramp_table("exponential", "From one learning rate to another by an equal factor a step",
                 above(0)),
      Shape::exponential);
}

}  // namespace schedule

std::unique_ptr<Schedule> make_schedule(const Constant& options, const ScheduleContext& context) {
  using namespace schedule;
  return compose(
      {constant(chosen_lr(options.lr, "lr", context)), chosen_momentum(options.momentum, context),
       chosen_decay(options.weight_decay, context)},
      options.warmup, context);
}

std::unique_ptr<Schedule> make_schedule(const Ramp& options, const ScheduleContext& context) {
  using namespace schedule;
  refuse_both(context.lr, "optimizer.lr", "lr_to");
  std::optional<std::int64_t> length;
  if (options.duration) length = options.duration->steps(context.steps_per_epoch);
  const auto lr = [from = options.lr_from, to = options.lr_to, shape = options.shape, length](
                      std::int64_t step, std::int64_t total) {
    return interpolate(shape, from, to, progress(step, length ? *length + 1 : total));
  };
  return compose(
      {lr, chosen_momentum(options.momentum, context), chosen_decay(options.weight_decay, context)},
      options.warmup, context);
}

}  // namespace onecycle
