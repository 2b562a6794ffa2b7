#pragma once

#include "onecycle/report.h"

#include <string>
#include <vector>

namespace onecycle {

struct Tick {
  double value = 0;
  std::string label;
};

// An axis of a drawing: from values to the interval 0 to 1.
struct AxisScale {
  double low = 0;
  double high = 1;
  bool logarithmic = false;
  std::vector<Tick> ticks;

  bool shows(double value) const;    // can be placed at all, perhaps beyond the ends
  double place(double value) const;  // 0 at `low`, 1 at `high`
};

// The range of what the axis' series hold (with bands and marks; not faint points beyond a bound),
// widened where it is a single value; at most `most` ticks. An axis without values is 0 to 1.
AxisScale x_scale(const Figure& figure, int most);
AxisScale y_scale(const Figure& figure, int most);
AxisScale right_scale(const Figure& figure, int most);
bool has_right(const Figure& figure);

// Multiples of 1, 2 or 5 times a power of ten within [low, high].
std::vector<Tick> linear_ticks(double low, double high, int most);
// Powers of ten, every second or third... where there are many; 2 and 5 between where there are
// few.
std::vector<Tick> log_ticks(double low, double high, int most);

}  // namespace onecycle
