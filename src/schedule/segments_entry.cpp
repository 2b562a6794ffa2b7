#include "schedule/common.h"
#include "schedule/segments.h"

#include <algorithm>

namespace onecycle {

namespace schedule {

namespace {

using SegmentsTable = OptionTable<Segments>;

std::optional<SegmentsTable::Violation> violation(const Segments& options) {
  for (const auto& [name, list] :
       {std::pair("lr", &options.lr), std::pair("momentum", &options.momentum),
        std::pair("weight_decay", &options.weight_decay)})
    if (const auto found = list_violation(name, *list))
      return SegmentsTable::Violation{found->first, found->second};
  for (std::size_t i = 0; i < options.momentum.size(); ++i)
    for (const auto& [end, value] :
         {std::pair("from", options.momentum[i].from), std::pair("to", options.momentum[i].to)})
      if (value.value_or(0) >= 1)
        return SegmentsTable::Violation{"momentum[" + std::to_string(i) + "]." + end,
                                        "must be in [0, 1)"};
  return std::nullopt;
}

void scale_lengths(Segments& options, double factor) {
  for (std::vector<Segment>* list : {&options.lr, &options.momentum, &options.weight_decay})
    for (Segment& segment : *list) scale(segment.duration, factor);
}

void scale_lr(Segments& options, double factor) {
  for (Segment& segment : options.lr) {
    scale(segment.from, factor);
    scale(segment.to, factor);
  }
}

OptionTable<Segments> segments_table() {
  SegmentsTable table("segments", "Curves of your own, piece by piece");
  table
      .add_list("lr", &Segments::lr,
                segment_table("Learning rate, piece by piece; empty: optimizer.lr"))
      .add_list("momentum", &Segments::momentum,
                segment_table("Momentum, piece by piece; empty: optimizer.momentum"))
      .add_list("weight_decay", &Segments::weight_decay,
                segment_table("Weight decay, piece by piece; empty: optimizer.weight_decay"))
      .rule(violation)
      .on(Change::scale_lr, scale_lr)
      .on(Change::scale_lengths, scale_lengths);
  return table;
}

Quantity along(const std::vector<Segment>& segments, const ScheduleContext& context) {
  return
      [segments, steps_per_epoch = context.steps_per_epoch](std::int64_t step, std::int64_t total) {
        return curve_of(segments, steps_per_epoch, total)
            .at(static_cast<double>(std::min(step, total - 1)));
      };
}

}  // namespace

ScheduleRegistry::Entry segments_entry() { return entry(segments_table()); }

}  // namespace schedule

std::unique_ptr<Schedule> make_schedule(const Segments& options, const ScheduleContext& context) {
  using namespace schedule;
  Quantities quantities;
  if (options.lr.empty()) {
    quantities.lr = constant(chosen_lr(std::nullopt, "lr", context));
  } else {
    refuse_both(context.lr, "optimizer.lr", "lr");
    quantities.lr = along(options.lr, context);
  }
  quantities.momentum = chosen_momentum({}, context);
  if (!options.momentum.empty()) {
    refuse_both(context.momentum, "optimizer.momentum", "momentum");
    quantities.momentum = along(options.momentum, context);
  }
  quantities.weight_decay = chosen_decay({}, context);
  if (!options.weight_decay.empty()) {
    refuse_both(context.weight_decay, "optimizer.weight_decay", "weight_decay");
    quantities.weight_decay = along(options.weight_decay, context);
  }
  quantities.corners = [options, steps_per_epoch = context.steps_per_epoch](std::int64_t total) {
    std::vector<double> corners;
    for (const std::vector<Segment>& list : {options.lr, options.momentum, options.weight_decay})
      if (!list.empty())
        for (const double end : curve_of(list, steps_per_epoch, total).ends())
          corners.push_back(end);
    return corners;
  };
  return compose(std::move(quantities), options.warmup, context);
}

}  // namespace onecycle
