#include "schedule/segments.h"

#include "core/format.h"
#include "schedule/entries.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace schedule {

namespace {

OptionTable<Segment> segment_table() {
  using Table = OptionTable<Segment>;
  Table table("segment", "One piece of a curve");
  table.add("duration", &Segment::duration, "length; null: by fraction, else the rest of the run")
      .range(above(0))
      .unit("epochs or steps")
      .add("fraction", &Segment::fraction, "length as a fraction of the run")
      .range({.low = 0, .high = 1, .low_open = true})
      .add("from", &Segment::from, "value at its start; null: where the segment before it ends")
      .range(at_least(0))
      .add("to", &Segment::to, "value at its end; null: the same as `from`")
      .range(at_least(0))
      .add("shape", &Segment::shape, "the way between them")
      .rule([](const Segment& segment) -> std::optional<Table::Violation> {
        if (segment.duration && segment.fraction)
          return Table::Violation{"fraction", "duration sets the length: remove one of them"};
        return std::nullopt;
      });
  return table;
}

// What is wrong with a list as a whole; the message names the segment, counted from 1.
std::optional<std::string> list_violation(const std::vector<Segment>& segments) {
  double fractions = 0;
  std::optional<double> before;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const Segment& segment = segments[i];
    const auto from = segment.from ? segment.from : before;
    if (!from) return std::string("segment 1: from: is required: the value at the first step");
    const double to = segment.to.value_or(*from);
    if (segment.shape == Shape::exponential && std::min(*from, to) <= 0)
      return format("segment {}: shape: exponential needs `from` and `to` above 0", i + 1);
    if (!segment.duration && !segment.fraction && i + 1 < segments.size())
      return format("segment {}: duration: is required, or fraction, in all but the last", i + 1);
    fractions += segment.fraction.value_or(0);
    before = segment.shape == Shape::constant ? *from : to;
  }
  if (fractions > 1 + 1e-9) return format("the fractions add up to {}, more than 1", fractions);
  return std::nullopt;
}

}  // namespace

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

std::string OptionType<schedule::SegmentList>::schema() {
  std::string properties;
  for (const auto& option : schedule::segment_table().group().options)
    properties += format("{}\"{}\":{}", properties.empty() ? "" : ",", option.name, option.schema);
  return R"({"type":"array","items":{"type":"object","properties":{)" + properties +
         R"(},"additionalProperties":false}})";
}

std::optional<schedule::SegmentList> OptionType<schedule::SegmentList>::read(const Value& value,
                                                                             std::string& why) {
  const auto refuse = [&](const std::string& reason) {
    why = name() + " (" + reason + ")";
    return std::nullopt;
  };
  if (!value.is_list()) return refuse("[{duration: 5ep, from: 0.1, to: 1}, …]");
  const auto table = schedule::segment_table();
  schedule::SegmentList list;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    Problems problems;
    list.segments.push_back(table.read(value.items[i], format("segment {}", i + 1), problems));
    if (!problems.empty()) {
      const Problem& first = problems.found().front();
      return refuse(first.path + ": " + first.message);
    }
  }
  if (const auto violation = schedule::list_violation(list.segments)) return refuse(*violation);
  return list;
}

Value OptionType<schedule::SegmentList>::write(const schedule::SegmentList& list) {
  Value result = Value::list();
  for (const auto& segment : list.segments)
    result.items.push_back(schedule::segment_table().write(segment));
  return result;
}

}  // namespace onecycle
