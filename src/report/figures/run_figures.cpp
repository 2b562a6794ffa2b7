#include "report/figures/run_figures.h"

#include "core/text/format.h"
#include "core/text/number.h"
#include "report/page/text.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

constexpr double kWideSpan = 10;        // between a figure's values: then its axis is logarithmic
constexpr std::size_t kMostDots = 100;  // evaluations marked one by one

bool has_values(const PlotSeries& series) {
  return std::any_of(series.y.begin(), series.y.end(), [](double y) { return std::isfinite(y); });
}

// The rows of `table` that have anything in column `y`.
PlotSeries series_of(const RunCsv& table, const std::string& x, const std::string& y,
                     const std::string& label, int colour, double factor = 1) {
  PlotSeries series;
  series.label = label;
  series.colour = colour;
  const auto xs = table.numbers(x);
  const auto ys = table.numbers(y);
  const auto written = table.texts(y);
  for (std::size_t row = 0; row < written.size(); ++row) {
    if (written[row].empty()) continue;
    series.x.push_back(xs[row]);
    series.y.push_back(factor * ys[row]);
  }
  return series;
}

Figure figure_of(const std::string& name, const std::string& title, const std::string& x,
                 const std::string& y) {
  Figure figure;
  figure.name = name;
  figure.title = title;
  figure.x.label = x;
  figure.y.label = y;
  return figure;
}

Figure of_splits(const RunCsv& metrics, const std::string& what, const std::string& title,
                 const std::string& unit, double factor) {
  Figure figure = figure_of(what, title, "step", unit);
  const char* splits[] = {"train", "validation", "test"};
  for (int i = 0; i < 3; ++i) {
    const std::string split = splits[i];
    PlotSeries series = series_of(metrics, "step", split + "_" + what,
                                  split == "train" ? "training" : split, i, factor);
    if (has_values(series)) figure.series.push_back(std::move(series));
  }
  return figure;
}

void widen_axis(Figure& figure) {
  double low = INFINITY;
  double high = 0;
  for (const PlotSeries& series : figure.series)
    for (const double y : series.y) {
      if (!std::isfinite(y)) continue;
      low = std::min(low, y);
      high = std::max(high, y);
    }
  figure.y.logarithmic = low > 0 && high > kWideSpan * low;
}

std::vector<PlotMark> marks_of(const RunCsv& events) {
  std::vector<PlotMark> marks;
  const auto names = events.texts("event");
  const auto steps = events.numbers("steps");
  for (std::size_t row = 0; row < names.size(); ++row) {
    if (names[row] != "fell_back" && names[row] != "resumed") continue;
    PlotMark mark;
    mark.label = names[row] == "resumed" ? "resumed" : "fell back";
    mark.x = steps[row];
    mark.strong = names[row] == "fell_back" && marks.size() < 4;
    marks.push_back(mark);
  }
  return marks;
}

bool varies(const PlotSeries& series) {
  return std::any_of(series.y.begin(), series.y.end(),
                     [&](double y) { return y != series.y.front(); });
}

struct StepCurve {
  const char* column;
  const char* name;
  const char* title;
  const char* unit;
  const char* label;
  int colour;
};

constexpr StepCurve kStepCurves[] = {
    {"momentum", "momentum", "Momentum", "momentum", "momentum", 4},
    {"weight_decay", "weight-decay", "Weight decay", "weight decay", "weight decay", 5},
    {"samples_per_second", "throughput", "Throughput", "samples a second", "samples a second", 2},
};

// The column step by step where steps.csv has it, else evaluation by evaluation.
PlotSeries by_step(const RunFiles& files, const std::string& column, const std::string& label,
                   int colour) {
  PlotSeries series = series_of(files.steps, "step", column, label, colour);
  if (!has_values(series)) series = series_of(files.metrics, "step", column, label, colour);
  return series;
}

// A dot on the validation curve at each evaluation, and a line at the best.
void mark_evaluations(Figure& figure, bool larger_is_better) {
  const auto found = std::find_if(figure.series.begin(), figure.series.end(),
                                  [](const PlotSeries& one) { return one.label == "validation"; });
  if (found == figure.series.end()) return;
  const PlotSeries& curve = *found;
  if (curve.y.size() <= kMostDots)
    for (std::size_t i = 0; i < curve.y.size(); ++i)
      if (std::isfinite(curve.y[i]))
        figure.marks.push_back({"evaluation: " + human_number(curve.y[i]), curve.x[i], curve.y[i]});
  const std::size_t best = best_row(curve.y, larger_is_better);
  if (best < curve.y.size())
    figure.marks.push_back(
        {"best " + human_number(curve.y[best]), curve.x[best], curve.y[best], true});
}

// "An epoch is 469 steps."; "" before there are two evaluations to tell it from.
std::string epoch_length(const RunCsv& metrics) {
  const auto steps = metrics.numbers("step");
  const auto epochs = metrics.numbers("epoch");
  if (steps.size() < 2) return "";
  const double length = (steps.back() - steps.front()) / (epochs.back() - epochs.front());
  return std::isfinite(length) ? format(" An epoch is {} steps.", human_number(std::round(length)))
                               : "";
}

// The loss, step by step where it is known, before the learning rate that made it so.
Figure loss_figure(const RunFiles& files) {
  Figure figure = of_splits(files.metrics, "loss", "Loss and learning rate", "loss", 1);
  const bool in_steps = has_values(series_of(files.steps, "step", "train_loss", "", 0));
  if (in_steps) {
    std::erase_if(figure.series, [](const PlotSeries& one) { return one.label == "training"; });
    figure.series.insert(figure.series.begin(), by_step(files, "train_loss", "training", 0));
  }
  figure.note = in_steps ? "Training: the mean over the latest steps, as logged."
                         : "Training: the mean over the steps since the previous evaluation.";
  figure.note += " Dots: evaluations." + epoch_length(files.metrics);
  widen_axis(figure);
  mark_evaluations(figure, /*larger_is_better=*/false);
  PlotSeries rate = by_step(files, "lr", "learning rate", 3);
  if (!has_values(rate)) return figure;
  rate.style = PlotSeries::Style::area;
  rate.right = true;
  figure.right.label = "learning rate";
  figure.right.low = 0;
  figure.series.push_back(std::move(rate));
  return figure;
}

}  // namespace

std::vector<Figure> run_figures(const RunFiles& files) {
  const auto marks = marks_of(files.events);
  std::vector<Figure> figures = {loss_figure(files)};
  figures[0].marks.insert(figures[0].marks.end(), marks.begin(), marks.end());
  for (const Metric& kind : files.kinds) {
    Figure figure = of_splits(files.metrics, kind.name, title_of(kind), unit_of(kind),
                              kind.is_fraction ? 100 : 1);
    figure.note = "Training: the mean over the steps since the previous evaluation.";
    mark_evaluations(figure, kind.larger_is_better);
    const bool curve = std::any_of(figure.series.begin(), figure.series.end(),
                                   [](const PlotSeries& one) { return one.x.size() > 1; });
    if (curve) figures.push_back(std::move(figure));
  }
  for (const StepCurve& curve : kStepCurves) {
    Figure figure = figure_of(curve.name, curve.title, "step", curve.unit);
    figure.series.push_back(by_step(files, curve.column, curve.label, curve.colour));
    if (std::string_view(curve.column) == "weight_decay" && !varies(figure.series[0])) continue;
    if (std::string_view(curve.column) == "samples_per_second") figure.y.low = 0;
    figure.marks = marks;
    figures.push_back(std::move(figure));
  }
  std::erase_if(figures, [](const Figure& figure) {
    return std::none_of(figure.series.begin(), figure.series.end(), has_values);
  });
  return figures;
}

}  // namespace onecycle
