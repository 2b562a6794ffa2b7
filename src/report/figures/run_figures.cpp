#include "report/figures/run_figures.h"

#include "core/text/format.h"
#include "core/text/number.h"
#include "report/page/text.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

constexpr double kWideSpan = 100;  // between a figure's values: then its axis is logarithmic

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

Figure over_epochs(const RunCsv& metrics, const std::string& what, const std::string& title,
                   const std::string& unit, double factor) {
  Figure figure = figure_of(what, title, "epoch", unit);
  const char* splits[] = {"train", "validation", "test"};
  for (int i = 0; i < 3; ++i) {
    const std::string split = splits[i];
    PlotSeries series = series_of(metrics, "epoch", split + "_" + what,
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
    {"train_loss", "train-loss", "Training loss, step by step", "loss of the latest steps",
     "training loss", 0},
    {"lr", "learning-rate", "Learning rate", "learning rate", "learning rate", 3},
    {"momentum", "momentum", "Momentum", "momentum", "momentum", 4},
    {"weight_decay", "weight-decay", "Weight decay", "weight decay", "weight decay", 5},
    {"samples_per_second", "throughput", "Throughput", "samples a second", "samples a second", 2},
};

}  // namespace

std::vector<Figure> run_figures(const RunFiles& files) {
  std::vector<Figure> figures;
  Figure loss = over_epochs(files.metrics, "loss", "Loss", "loss", 1);
  widen_axis(loss);
  loss.note = "Training: the mean over the steps since the previous evaluation.";
  figures.push_back(std::move(loss));
  for (const Metric& kind : files.kinds)
    figures.push_back(over_epochs(files.metrics, kind.name, title_of(kind), unit_of(kind),
                                  kind.is_fraction ? 100 : 1));
  const auto marks = marks_of(files.events);
  for (const StepCurve& curve : kStepCurves) {
    const bool in_steps = has_values(series_of(files.steps, "step", curve.column, "", 0));
    Figure figure = figure_of(curve.name, curve.title, "step", curve.unit);
    figure.series.push_back(series_of(in_steps ? files.steps : files.metrics, "step", curve.column,
                                      curve.label, curve.colour));
    if (!in_steps && std::string_view(curve.column) == "train_loss") continue;
    if (std::string_view(curve.column) == "weight_decay" && !varies(figure.series[0])) continue;
    if (std::string_view(curve.column) == "train_loss") widen_axis(figure);
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
