#pragma once

#include "schedule/common.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// A user's own piecewise curve.
namespace onecycle {

namespace schedule {

struct Segment {
  std::optional<Duration> duration;
  std::optional<double> fraction;  // of the run
  std::optional<double> from;
  std::optional<double> to;
  Shape shape = Shape::linear;
};

struct SegmentList {
  std::vector<Segment> segments;
};

// The curve over the steps of a run. A segment holds the steps from its start up to its end, which
// it does not include, so that the next one begins where it would have reached `to`; one that ends
// with the run reaches `to` at the last step. What lies beyond the run is cut off.
Curve curve_of(const std::vector<Segment>& segments, std::int64_t steps_per_epoch,
               std::int64_t total);

}  // namespace schedule

template <>
struct OptionType<schedule::SegmentList> {
  static std::string name() { return "list of segments"; }
  static std::string schema();
  static std::optional<schedule::SegmentList> read(const Value& value, std::string& why);
  static Value write(const schedule::SegmentList& list);
};

}  // namespace onecycle
