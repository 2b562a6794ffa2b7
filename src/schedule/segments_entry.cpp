#include "schedule/entries.h"
#include "schedule/segments.h"

#include <algorithm>

namespace onecycle::schedule {

namespace {

struct Segments : WithWarmup {
  SegmentList lr;
  SegmentList momentum;
  SegmentList weight_decay;
};

OptionTable<Segments> segments_table() {
  using Table = OptionTable<Segments>;
  Table table("segments", "Curves of your own, piece by piece");
  const std::string keys = "{duration or fraction, from, to, shape}; empty: ";
  table.add("lr", &Segments::lr, "learning rate, a list of " + keys + "optimizer.lr")
      .add("momentum", &Segments::momentum, "momentum, a list of " + keys + "optimizer.momentum")
      .add("weight_decay", &Segments::weight_decay,
           "weight decay, a list of " + keys + "optimizer.weight_decay")
      .rule([](const Segments& options) -> std::optional<Table::Violation> {
        for (const Segment& segment : options.momentum.segments)
          if (std::max(segment.from.value_or(0), segment.to.value_or(0)) >= 1)
            return Table::Violation{"momentum", "must be in [0, 1)"};
        return std::nullopt;
      });
  return table;
}

Quantity along(const SegmentList& list, const ScheduleContext& context) {
  return [segments = list.segments, steps_per_epoch = context.steps_per_epoch](std::int64_t step,
                                                                               std::int64_t total) {
    return curve_of(segments, steps_per_epoch, total)
        .at(static_cast<double>(std::min(step, total - 1)));
  };
}

std::unique_ptr<Schedule> make(const Segments& options, const ScheduleContext& context) {
  Quantities quantities;
  if (options.lr.segments.empty()) {
    quantities.lr = constant(chosen_lr(std::nullopt, "lr", context));
  } else {
    refuse_both(context.lr, "optimizer.lr", "lr");
    quantities.lr = along(options.lr, context);
  }
  quantities.momentum = chosen_momentum({}, context);
  if (!options.momentum.segments.empty()) {
    refuse_both(context.momentum, "optimizer.momentum", "momentum");
    quantities.momentum = along(options.momentum, context);
  }
  quantities.weight_decay = chosen_decay({}, context);
  if (!options.weight_decay.segments.empty()) {
    refuse_both(context.weight_decay, "optimizer.weight_decay", "weight_decay");
    quantities.weight_decay = along(options.weight_decay, context);
  }
  quantities.corners = [options, steps_per_epoch = context.steps_per_epoch](std::int64_t total) {
    std::vector<double> corners;
    for (const SegmentList& list : {options.lr, options.momentum, options.weight_decay})
      if (!list.segments.empty())
        for (const double end : curve_of(list.segments, steps_per_epoch, total).ends())
          corners.push_back(end);
    return corners;
  };
  return compose(std::move(quantities), options.warmup, context);
}

}  // namespace

ScheduleRegistry::Entry segments_entry() { return entry(segments_table(), make); }

}  // namespace onecycle::schedule
