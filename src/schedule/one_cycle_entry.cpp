#include "core/text/format.h"
#include "core/text/number.h"
#include "schedule/common.h"
#include "schedule/one_cycle.h"

namespace onecycle {

namespace schedule {

namespace {

using OneCycleTable = OptionTable<OneCycle>;

Words<Policy> policies() {
  return {{"smith", Policy::smith},
          {"smith_caffe", Policy::smith_caffe},
          {"fastai", Policy::fastai},
          {"torch", Policy::torch}};
}

std::optional<OneCycleTable::Violation> unused_option(const OneCycle& options) {
  const bool torch = options.policy == Policy::torch;
  const bool smith = options.policy == Policy::smith || options.policy == Policy::smith_caffe;
  struct Use {
    const char* option;
    bool given;
    bool used;
    const char* by;
  };
  const Use uses[] = {
      {"lr_min", options.lr_min.has_value(), smith, "smith and smith_caffe; use div_factor"},
      {"stepsize", options.stepsize.has_value(), smith, "smith and smith_caffe"},
      {"pct_start", options.pct_start.has_value(), !smith, "fastai and torch"},
      {"shape", options.shape.has_value(), torch, "torch"},
      {"three_phase", options.three_phase.has_value(), torch, "torch"},
  };
  for (const Use& use : uses)
    if (use.given && !use.used)
      return OneCycleTable::Violation{use.option,
                                      format("policy {} does not use it; it belongs to {}",
                                             word_of(policies(), options.policy), use.by)};
  return std::nullopt;
}

std::optional<OneCycleTable::Violation> contradiction(const OneCycle& options) {
  if (options.lr_min && options.div_factor)
    return OneCycleTable::Violation{"div_factor",
                                    "lr_min sets the first learning rate: remove one of them"};
  if (options.lr_min && options.lr_max && *options.lr_min > *options.lr_max)
    return OneCycleTable::Violation{"lr_min", "must not exceed lr_max"};
  if (options.three_phase == true && options.pct_start && *options.pct_start > 0.5)
    return OneCycleTable::Violation{"pct_start",
                                    "must be at most 0.5 with three_phase: up, and down again"};
  return std::nullopt;
}

// Smith's policies start from a tenth of it; the others' first rate follows from factors.
void set_lr(OneCycle& options, double lr_max) {
  options.lr_max = lr_max;
  if (options.policy == Policy::fastai || options.policy == Policy::torch) return;
  options.lr_min = lr_max / 10;
  options.div_factor.reset();
}

OneCycleTable one_cycle_table() {
  OneCycleTable table("one_cycle",
                      "One cycle of the learning rate, up and down, then far below its start");
  table
      .add("policy", &OneCycle::policy, policies(),
           "smith: his papers; smith_caffe: his logs; fastai; torch: PyTorch's OneCycleLR")
      .add("lr_max", &OneCycle::lr_max, "highest learning rate; null: optimizer.lr")
      .range(above(0))
      .add("lr_min", &OneCycle::lr_min,
           "first learning rate (smith, smith_caffe); null: from div_factor")
      .range(at_least(0))
      .add("div_factor", &OneCycle::div_factor,
           "lr_max / first learning rate; null: smith 10, smith_caffe 12, fastai and torch 25")
      .range(at_least(1))
      .add("final_div_factor", &OneCycle::final_div_factor,
           "first / final learning rate (fastai: lr_max / final); null: smith and smith_caffe "
           "1e3, torch 1e4, fastai 1e5")
      .range(at_least(1))
      .add("stepsize", &OneCycle::stepsize,
           "length of the way up and of the way down (smith, smith_caffe); null: 45 % of the run")
      .range(above(0))
      .unit("epochs or steps")
      .add("pct_start", &OneCycle::pct_start,
           "share of the run on the way up; null: fastai 0.25, torch 0.3")
      .range(between(0, 1))
      .add("shape", &OneCycle::shape,
           {{"linear", OneCycle::Anneal::linear}, {"cosine", OneCycle::Anneal::cosine}},
           "of every phase (torch); null: cosine")
      .add("three_phase", &OneCycle::three_phase,
           "come down as fast as up, then annihilate (torch); null: false")
      .rule(unused_option)
      .rule(contradiction)
      .on(Change::set_lr, set_lr)
      .on(Change::scale_lr,
          [](OneCycle& options, double factor) {
            scale(options.lr_max, factor);
            scale(options.lr_min, factor);
          })
      .on(Change::scale_lengths,
          [](OneCycle& options, double factor) { scale(options.stepsize, factor); });
  return table;
}

struct Defaults {
  double div_factor;
  double final_div_factor;
  double pct_start;
};

Defaults defaults_of(Policy policy) {
  switch (policy) {
    case Policy::smith:
      return {10, 1e3, 0};
    case Policy::smith_caffe:
      return {12, 1e3, 0};
    case Policy::fastai:
      return {25, 1e5, 0.25};
    case Policy::torch:
      return {25, 1e4, 0.3};
  }
  return {};
}

// Of the options that the policy knows. `total`: steps without the warm-up.
UsedNumbers used_of(const OneCycle& options, const OneCyclePlan& plan, std::int64_t total) {
  const Defaults defaults = defaults_of(options.policy);
  UsedNumbers used = {{"lr_min", number_text(plan.lr_first)},
                      {"final_div_factor", number_text(defaults.final_div_factor)}};
  if (!options.lr_min) used.emplace_back("div_factor", number_text(defaults.div_factor));
  const bool smith = options.policy == Policy::smith || options.policy == Policy::smith_caffe;
  if (smith) {
    used.emplace_back("stepsize", std::to_string(one_cycle_stepsize(plan, total)) + "it");
  } else {
    used.emplace_back("pct_start", number_text(plan.pct_start));
  }
  if (options.policy != Policy::torch) return used;
  used.emplace_back("shape", plan.shape == Shape::linear ? "linear" : "cosine");
  used.emplace_back("three_phase", plan.three_phase ? "true" : "false");
  return used;
}

OneCyclePlan plan_of(const OneCycle& options, const ScheduleContext& context) {
  const Defaults defaults = defaults_of(options.policy);
  OneCyclePlan plan;
  plan.policy = options.policy;
  plan.lr_max = chosen_lr(options.lr_max, "lr_max", context);
  plan.lr_first =
      options.lr_min.value_or(plan.lr_max / options.div_factor.value_or(defaults.div_factor));
  require_ordered(plan.lr_first, "lr_min", plan.lr_max);
  plan.lr_final = (options.policy == Policy::fastai ? plan.lr_max : plan.lr_first) /
                  options.final_div_factor.value_or(defaults.final_div_factor);
  if (options.stepsize) plan.stepsize = options.stepsize->steps(context.steps_per_epoch);
  plan.pct_start = options.pct_start.value_or(defaults.pct_start);
  plan.shape = options.shape == OneCycle::Anneal::linear ? Shape::linear : Shape::cosine;
  plan.three_phase = options.three_phase.value_or(false);
  return plan;
}

}  // namespace

ScheduleRegistry::Entry one_cycle_entry() { return entry(one_cycle_table()); }

}  // namespace schedule

std::unique_ptr<Schedule> make_schedule(const OneCycle& options, const ScheduleContext& context) {
  using namespace schedule;
  const OneCyclePlan plan = plan_of(options, context);
  Quantities quantities;
  quantities.lr = [plan](std::int64_t step, std::int64_t total) {
    return one_cycle_lr(plan, step, total);
  };
  quantities.momentum = constant(constant_momentum(context));
  const auto bounds = bounds_of(cycled_momentum_in(options), context);
  if (bounds)
    quantities.momentum = [plan, bounds = *bounds](std::int64_t step, std::int64_t total) {
      return one_cycle_momentum(plan, bounds.low, bounds.high, step, total);
    };
  quantities.used = [options, plan, bounds](std::int64_t total) {
    UsedNumbers used = used_of(options, plan, total);
    for (auto& number : numbers_of(bounds)) used.push_back(std::move(number));
    return used;
  };
  quantities.weight_decay = chosen_decay(options.weight_decay, context);
  quantities.corners = [plan](std::int64_t total) { return one_cycle_corners(plan, total); };
  return compose(std::move(quantities), options.warmup, context);
}

}  // namespace onecycle
