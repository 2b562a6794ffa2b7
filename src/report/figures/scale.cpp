#include "report/figures/scale.h"

#include "report/page/text.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

constexpr double kLargest = 1e150;  // beyond it differences could overflow: not drawn
constexpr double kPadding = 0.04;

struct Ends {
  double low = INFINITY;
  double high = -INFINITY;
  bool logarithmic = false;

  void take(double value) {
    if (!std::isfinite(value) || std::abs(value) > kLargest) return;
    if (logarithmic && value < 1 / kLargest) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  void take(const std::vector<double>& values) {
    for (const double value : values) take(value);
  }
};

void widen(Ends& ends) {
  if (ends.low > ends.high) ends.low = ends.logarithmic ? 0.1 : 0, ends.high = 1;
  const double size = std::max(std::abs(ends.low), std::abs(ends.high));
  if (ends.high - ends.low > 1e-12 * size) return;
  if (ends.logarithmic) {
    ends.low /= 2, ends.high *= 2;
  } else {
    const double margin = size > 0 ? 0.05 * size : 1;
    ends.low -= margin, ends.high += margin;
  }
}

AxisScale scale_of(Ends ends, const PlotAxis& axis, double padding, int most) {
  widen(ends);
  AxisScale scale;
  scale.logarithmic = axis.logarithmic;
  if (axis.logarithmic) {
    const double factor = std::pow(ends.high / ends.low, padding);
    scale.low = ends.low / factor, scale.high = ends.high * factor;
  } else {
    const double margin = padding * (ends.high - ends.low);
    scale.low = ends.low - margin, scale.high = ends.high + margin;
    if (ends.low >= 0) scale.low = std::max(scale.low, 0.0);
  }
  if (std::isfinite(axis.low) && axis.low < scale.high) scale.low = axis.low;
  if (std::isfinite(axis.high) && axis.high > scale.low) scale.high = axis.high;
  scale.ticks = axis.logarithmic ? log_ticks(scale.low, scale.high, most)
                                 : linear_ticks(scale.low, scale.high, most);
  return scale;
}

// Of the series that are read off this axis.
AxisScale vertical(const Figure& figure, const PlotAxis& axis, bool right, int most) {
  Ends ends;
  ends.logarithmic = axis.logarithmic;
  for (const PlotSeries& series : figure.series) {
    if (series.right != right) continue;
    ends.take(series.y);
    ends.take(series.low);
    ends.take(series.high);
  }
  return scale_of(ends, axis, kPadding, most);
}

}  // namespace

bool AxisScale::shows(double value) const {
  return std::isfinite(value) && std::abs(value) <= kLargest &&
         (!logarithmic || value >= 1 / kLargest);
}

double AxisScale::place(double value) const {
  if (logarithmic) return std::log(value / low) / std::log(high / low);
  return (value - low) / (high - low);
}

AxisScale x_scale(const Figure& figure, int most) {
  Ends ends;
  ends.logarithmic = figure.x.logarithmic;
  for (const PlotSeries& series : figure.series) ends.take(series.x);
  return scale_of(ends, figure.x, 0, most);
}

AxisScale y_scale(const Figure& figure, int most) {
  return vertical(figure, figure.y, /*right=*/false, most);
}

AxisScale right_scale(const Figure& figure, int most) {
  return vertical(figure, figure.right, /*right=*/true, most);
}

bool has_right(const Figure& figure) {
  return std::any_of(figure.series.begin(), figure.series.end(),
                     [](const PlotSeries& series) { return series.right; });
}

std::vector<Tick> linear_ticks(double low, double high, int most) {
  const double rough = (high - low) / std::max(1, most);
  double step = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {2.0, 2.5, 2.0})
    if (step < rough * (1 - 1e-9)) step *= factor;
  std::vector<Tick> ticks;
  const double first = std::ceil(low / step - 1e-9);
  for (int i = 0; i <= most + 1; ++i) {
    const double value = (first + i) * step;
    if (value > high + 1e-9 * step) break;
    ticks.push_back({value, tick_text(value, step)});
  }
  return ticks;
}

std::vector<Tick> log_ticks(double low, double high, int most) {
  const int first = static_cast<int>(std::ceil(std::log10(low) - 1e-9));
  const int last = static_cast<int>(std::floor(std::log10(high) + 1e-9));
  const int decades = last - first + 1;
  if (decades < 2 && high / low < 4) return linear_ticks(low, high, most);
  const int stride = std::max(1, (decades + most - 1) / std::max(1, most));
  const bool between = 3 * decades <= most;
  std::vector<Tick> ticks;
  for (int power = first - 1; power <= last; ++power) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      if (factor > 1 && !between) continue;
      if (factor == 1 && (power - first) % stride != 0) continue;
      const double value = factor * std::pow(10, power);
      if (value < low * (1 - 1e-9) || value > high * (1 + 1e-9)) continue;
      ticks.push_back({value, tick_text(value, std::pow(10, power))});
    }
  }
  return ticks;
}

}  // namespace onecycle
