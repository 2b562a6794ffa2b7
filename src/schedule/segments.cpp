#include "schedule/segments.h"

#include "core/text/format.h"
#include "schedule/common.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace schedule {

OptionTable<Segment> segment_table(const std::string& meaning) {
  using Table = OptionTable<Segment>;
  Table table("segment", meaning);
  table.add("duration", &Segment::duration, "length; null: by fraction, else the rest of the run")
      .range(above(0))
      .unit("epochs or steps")
      .add("fraction", &Segment::fraction, "length as a fraction of the run")
      .range({.low = 0, .high = 1, .low_open = true})
      .add("from", &Segment::from, "value at its start; null: where the segment before it ends")
      .range(at_least(0))
      .add("to", &Segment::to, "value at its end; null: the same as `from`")
      .range(at_least(0))
      .add("shape", &Segment::shape, shapes(), "the way between them")
      .rule([](const Segment& segment) -> std::optional<Table::Violation> {
        if (segment.duration && segment.fraction)
          return Table::Violation{"fraction", "duration sets the length: remove one of them"};
        return std::nullopt;
      });
  return table;
}

std::optional<std::pair<std::string, std::string>> list_violation(
    const std::string& name, const std::vector<Segment>& segments) {
  const auto at = [&](std::size_t index, const char* option) {
    return format("{}[{}].{}", name, index, option);
  };
  double fractions = 0;
  std::optional<double> before;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const Segment& segment = segments[i];
    const auto from = segment.from ? segment.from : before;
    if (!from) return std::pair(at(i, "from"), "is required: the value at the first step");
    const double to = segment.to.value_or(*from);
    if (segment.shape == Shape::exponential && std::min(*from, to) <= 0)
      return std::pair(at(i, "shape"), "exponential needs `from` and `to` above 0");
    if (!segment.duration && !segment.fraction && i + 1 < segments.size())
      return std::pair(at(i, "duration"), "is required, or fraction, in all but the last");
    fractions += segment.fraction.value_or(0);
    before = segment.shape == Shape::constant ? *from : to;
  }
  if (fractions > 1 + 1e-9)
    return std::pair(name, format("the fractions add up to {}, more than 1", fractions));
  return std::nullopt;
}

Curve curve_of(const std::vector<Segment>& segments, std::int64_t steps_per_epoch,
               std::int64_t total) {
  const double steps = static_cast<double>(total);
  std::vector<Piece> pieces;
  double start = 0;
  double before = 0;
  for (const Segment& segment : segments) {
    double end = steps;
    if (segment.duration) {
      end = start + static_cast<double>(segment.duration->steps(steps_per_epoch));
    } else if (segment.fraction) {
      end = start + *segment.fraction * steps;
    }
    const bool ends_the_run = std::abs(end - steps) < 1e-6;
    const double from = segment.from.value_or(before);
    const double to = segment.to.value_or(from);
    const bool reaches = ends_the_run && end - start > 1.5;
    pieces.push_back({reaches ? steps - 1 : end, from, to, segment.shape});
    before = segment.shape == Shape::constant ? from : to;
    start = end;
  }
  return Curve(std::move(pieces));
}

}  // namespace schedule

}  // namespace onecycle
