#pragma once

#include "onecycle/error.h"
#include "onecycle/verdict.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace onecycle {

// One curve or cloud of a figure. `x` and `y` are of one length; values that are not finite, or not
// above 0 on a logarithmic axis, are left out of the drawing and kept in the data.
struct PlotSeries {
  // How it is drawn; an area reaches down to the axis and lies behind the others.
  enum class Style { line, dashed, faint_line, faint_points, points, area };

  std::string label;
  std::vector<double> x;
  std::vector<double> y;
  std::vector<double> low;  // of a band around y: empty, or as long as y
  std::vector<double> high;
  Style style = Style::line;
  int colour = 0;      // of the palette, 0 to 5
  bool right = false;  // read off Figure::right
};

// How an axis is drawn.
struct PlotAxis {
  std::string label;
  bool logarithmic = false;
  // Bounds of the drawing; not a number: those of the data. What lies beyond is cut off.
  double low = kOpen;
  double high = kOpen;

  // The bound that the data decide.
  static constexpr double kOpen = __builtin_nan("");
};

// A place on the x axis, shown as a line over the height of the plot; with `y`, a dot on the curve.
struct PlotMark {
  std::string label;
  double x = 0;
  double y = PlotAxis::kOpen;
  bool strong = false;  // labelled in the plot; others show their label on hover
};

// A plot with its curves.
struct Figure {
  std::string name;  // of its files: letters, digits, "-" and "_"
  std::string title;
  std::string note;  // a sentence below it
  PlotAxis x;
  PlotAxis y;
  PlotAxis right;  // drawn where a series is read off it
  std::vector<PlotSeries> series;
  std::vector<PlotMark> marks;
};

// A whole SVG document in `width` x `height` user units with its own style for light and dark.
std::string svg_document(const Figure& figure, int width = 720, int height = 340);

// Lines of at most `columns` cells, in UTF-8; no colours, ends with a newline.
std::string terminal_plot(const Figure& figure, int columns = 80);

// A folder whose run or range test has not come to its first point.
class NothingToPlot : public Error {
 public:
  // `missing`: what there is to wait for.
  NothingToPlot(const std::string& folder, const std::string& missing)
      : Error(folder + ": nothing to plot yet: " + missing) {}
};

// Names and values, in the order shown.
using Facts = std::vector<std::pair<std::string, std::string>>;

// What a page shows beside the figures, and where it goes.
struct ReportOptions {
  std::string page;                 // ends in ".html"; empty: FOLDER/report.html
  std::vector<std::string> words;   // sentences at the top: the verdict
  Facts facts;                      // machine, versions: name and value
  std::string gnuplot = "gnuplot";  // draws the PNG files; empty: none are drawn
  // What of a resolved recipe differs from the defaults, "key: value" a line; where it is not set
  // or returns nothing, pages show the whole recipe at once.
  std::function<std::string(const std::string& recipe)> changes;
  // Told before each PNG file, and after the last, how many are drawn; may be empty.
  std::function<void(std::int64_t drawn, std::int64_t of)> drawing;
};

// What was written.
struct Report {
  std::string page;
  std::string files;               // the folder of each figure's SVG, PNG, CSV and JSON
  std::vector<std::string> notes;  // what could not be made, and how to get it
};

// Writes a page about `folder`, a run's, a range test's or a tuning's, and the files of its figures
// into a folder beside it, named as the page without ".html". Each file is replaced as a whole. A
// run that is under way or was cut off is shown as far as it got. Throws Error for a folder of no
// such kind, for one with nothing to plot yet, and where files cannot be written.
Report write_report(const std::string& folder, const ReportOptions& options = {});

// The folder itself, or where it is a tuning's, that of the run at its end.
std::string last_run_of(const std::string& folder);

// What the evaluations of a run, or of a tuning's last, say, for judge(); empty for a range test
// and without validation losses.
struct LearningCurve {
  std::vector<LearningCurvePoint> points;
  double lr_max = 0;  // the recipe's, lower after a fallback, or the highest recorded
};
// From the run's metrics.csv.
LearningCurve read_learning_curve(const std::string& folder);

// The figures of a folder, without writing anything. Throws as write_report.
std::vector<Figure> read_figures(const std::string& folder);

}  // namespace onecycle
