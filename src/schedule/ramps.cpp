#include "schedule/entries.h"

// A constant, and the ramps of a learning-rate range test.
namespace onecycle::schedule {

namespace {

struct Constant : WithMomentum, WithDecay, WithWarmup {
  std::optional<double> lr;
};

OptionTable<Constant> constant_table() {
  OptionTable<Constant> table("constant", "One learning rate throughout");
  table.add("lr", &Constant::lr, "learning rate; null: optimizer.lr").range(at_least(0));
  return table;
}

std::unique_ptr<Schedule> make_constant(const Constant& options, const ScheduleContext& context) {
  return compose(
      {constant(chosen_lr(options.lr, "lr", context)), chosen_momentum(options.momentum, context),
       chosen_decay(options.weight_decay, context)},
      options.warmup, context);
}

struct LrRamp : WithMomentum, WithDecay, WithWarmup {
  double lr_from = 0;
  double lr_to = 0;
  std::optional<Duration> duration;
};

OptionTable<LrRamp> ramp_table(const std::string& name, const std::string& meaning,
                               const Range& range) {
  OptionTable<LrRamp> table(name, meaning);
  table.add("lr_from", &LrRamp::lr_from, "learning rate of the first step")
      .range(range)
      .required()
      .add("lr_to", &LrRamp::lr_to, "learning rate at the end of the ramp")
      .range(range)
      .required()
      .add("duration", &LrRamp::duration,
           "length of the ramp, after which lr_to holds; null: it ends with the run's last step")
      .range(above(0))
      .unit("epochs or steps");
  return table;
}

std::unique_ptr<Schedule> make_ramp(const LrRamp& options, Shape shape,
                                    const ScheduleContext& context) {
  refuse_both(context.lr, "optimizer.lr", "lr_to");
  std::optional<std::int64_t> length;
  if (options.duration) length = options.duration->steps(context.steps_per_epoch);
  const auto lr = [from = options.lr_from, to = options.lr_to, shape, length](std::int64_t step,
                                                                              std::int64_t total) {
    return interpolate(shape, from, to, progress(step, length ? *length + 1 : total));
  };
  return compose(
      {lr, chosen_momentum(options.momentum, context), chosen_decay(options.weight_decay, context)},
      options.warmup, context);
}

}  // namespace

ScheduleRegistry::Entry constant_entry() { return entry(constant_table(), make_constant); }

ScheduleRegistry::Entry linear_entry() {
  return entry(
      ramp_table("linear", "A straight way from one learning rate to another: Smith's range test",
                 at_least(0)),
      [](const LrRamp& options, const ScheduleContext& context) {
        return make_ramp(options, Shape::linear, context);
      });
}

ScheduleRegistry::Entry exponential_entry() {
  return entry(ramp_table("exponential",
                          "From one learning rate to another by an equal factor a step", above(0)),
               [](const LrRamp& options, const ScheduleContext& context) {
                 return make_ramp(options, Shape::exponential, context);
               });
}

}  // namespace onecycle::schedule
