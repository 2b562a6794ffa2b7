#pragma once

#include "schedule/common.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// A user's own piecewise curve.
namespace onecycle {

namespace schedule {

// The options of a segment in a list of which `meaning` says what it is.
OptionTable<Segment> segment_table(const std::string& meaning);

// What is wrong with the list `name` as a whole, and with which of its segments.
std::optional<std::pair<std::string, std::string>> list_violation(
    const std::string& name, const std::vector<Segment>& segments);

// The curve over the steps of a run. A segment holds the steps from its start up to its end, which
// it does not include, so that the next one begins where it would have reached `to`; one that ends
// with the run reaches `to` at the last step. What lies beyond the run is cut off.
Curve curve_of(const std::vector<Segment>& segments, std::int64_t steps_per_epoch,
               std::int64_t total);

}  // namespace schedule
}  // namespace onecycle
