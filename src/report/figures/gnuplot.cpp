#include "report/figures/gnuplot.h"

#include "core/text/format.h"
#include "core/text/number.h"
#include "core/text/printable.h"
#include "report/figures/figure_data.h"
#include "report/figures/scale.h"

#include <algorithm>

namespace onecycle {

namespace {

constexpr std::size_t kMostPlottedPoints = 2000;  // of a series
constexpr int kSeconds = 20;
constexpr const char* kColours[] = {"#1f6fd0", "#d4570a", "#0d8a63",
                                    "#8b3fc4", "#a87900", "#c2255c"};

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : visible(text)) {
    if (c == '\'') {
      result += "’";
    } else {
      result += static_cast<unsigned char>(c) < 32 ? ' ' : c;
    }
  }
  return result + "'";
}

std::string axis_lines(const std::string& name, const PlotAxis& axis, const AxisScale& scale) {
  std::string text = format("set {}label {}\n", name, quoted(axis.label));
  if (scale.logarithmic) text += format("set logscale {}\n", name);
  text += format("set {}range [{}:{}]\nset {}tics (", name, number_text(scale.low),
                 number_text(scale.high), name);
  const auto tick_text = [](const auto& tick) {
    return quoted(tick.label) + " " + number_text(tick.value);
  };
  return text + joined(scale.ticks, ", ", tick_text) + ")\n";
}

// A row a point; an empty line, which breaks the curve, for one that cannot be drawn.
std::string data_block(std::size_t index, const PlotSeries& series, const AxisScale& x,
                       const AxisScale& y) {
  std::string text = format("$s{} << END\n", index);
  bool any = false;
  for (std::size_t i = 0; i < series.x.size(); ++i) {
    if (!x.shows(series.x[i]) || !y.shows(series.y[i])) {
      text += "\n";
      continue;
    }
    const bool band = i < series.low.size() && y.shows(series.low[i]) && y.shows(series.high[i]);
    any = true;
    text += format("{} {} {} {}\n", number_text(series.x[i]), number_text(series.y[i]),
                   number_text(band ? series.low[i] : series.y[i]),
                   number_text(band ? series.high[i] : series.y[i]));
  }
  return any ? text + "END\n" : "";
}

std::string drawn_with(const PlotSeries& series) {
  const char* colour = kColours[std::clamp(series.colour, 0, 5)];
  switch (series.style) {
    case PlotSeries::Style::line:
      return format("lines lw 3 lc rgb '{}'", colour);
    case PlotSeries::Style::dashed:
      return format("lines lw 2 dt 2 lc rgb '{}'", colour);
    case PlotSeries::Style::faint_line:
      return format("lines lw 1 lc rgb '#99{}'", colour + 1);
    case PlotSeries::Style::faint_points:
      return format("points pt 7 ps 0.7 lc rgb '#99{}'", colour + 1);
    case PlotSeries::Style::points:
      return format("points pt 7 ps 1.2 lc rgb '{}'", colour);
    case PlotSeries::Style::area:
      return format("filledcurves y2=0 lc rgb '{}'", colour);
  }
  return "";
}

}  // namespace

std::string gnuplot_script(const Figure& figure) {
  const AxisScale x = x_scale(figure, 10);
  const AxisScale y = y_scale(figure, 8);
  std::string text =
      "if (strstrt(GPVAL_TERMINALS, 'pngcairo')) "
      "set terminal pngcairo noenhanced size 1440,720 fontscale 1.5; "
      "else set terminal png noenhanced size 1440,720\n"
      "set grid xtics ytics lt 1 lw 1 lc rgb '#dddddd'\nset border 3\nset tics nomirror\nset key "
      "outside bottom center horizontal\n"
      "set style fill transparent solid 0.18 noborder\n";
  text += format("set title {}\n", quoted(figure.title));
  text += axis_lines("x", figure.x, x) + axis_lines("y", figure.y, y);
  const bool second = has_right(figure);
  const AxisScale right = right_scale(figure, 8);
  if (second) text += axis_lines("y2", figure.right, right) + "set border 11\n";
  int row = 0;
  for (const PlotMark& mark : figure.marks) {
    if (!x.shows(mark.x) || x.place(mark.x) < 0 || x.place(mark.x) > 1) continue;
    const std::string at = number_text(mark.x);
    const bool dotted = y.shows(mark.y);
    if (mark.strong || !dotted)
      text += format("set arrow from first {0}, graph 0 to first {0}, graph 1 nohead dt 3\n", at);
    if (dotted)
      text += format("set label '' at first {}, first {} point pt 7 ps {} front\n", at,
                     number_text(mark.y), mark.strong ? 2 : 1);
    const bool flipped = x.place(mark.x) > 0.5;
    if (mark.strong)
      text += format("set label {} at first {}, graph {} offset {},0 {}\n", quoted(mark.label),
                     number_text(mark.x), number_text(0.97 - 0.05 * row++), flipped ? -1 : 1,
                     flipped ? "right" : "left");
  }
  std::string plots;
  for (std::size_t i = 0; i < figure.series.size(); ++i) {
    const PlotSeries series = thinned(figure.series[i], kMostPlottedPoints);
    const std::string block = data_block(i, series, x, series.right ? right : y);
    if (block.empty()) continue;
    text += block;
    if (!series.low.empty())
      plots += format("{}$s{} using 1:3:4 with filledcurves lc rgb '{}' notitle",
                      plots.empty() ? "" : ", ", i, kColours[std::clamp(series.colour, 0, 5)]);
    plots += format("{}$s{} using 1:2 {}with {} title {}", plots.empty() ? "" : ", ", i,
                    series.right ? "axes x1y2 " : "", drawn_with(series), quoted(series.label));
  }
  return text + "plot " + (plots.empty() ? "NaN notitle" : plots) + "\n";
}

ProgramResult draw_png(const Figure& figure, const std::string& gnuplot) {
  ProgramResult result =
      run_with_input(gnuplot, {"--default-settings", "-"}, gnuplot_script(figure), kSeconds);
  if (result.failure.empty() && !result.out.starts_with("\x89PNG"))
    result.failure = gnuplot + " drew nothing";
  return result;
}

}  // namespace onecycle
