#include "core/text/format.h"
#include "core/text/metric_text.h"
#include "report/page/text.h"
#include "report/range_file.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

struct Measure {
  std::string key;
  std::string name;
  std::string title;
  std::string unit;
  double factor;
  int colour;
  bool is_loss;
};

// The task's first metric, where it has one, and the losses.
std::vector<Measure> measures_of(const Json& test) {
  std::vector<Measure> measures = {
      {"train_loss", "train-loss", "Training loss", "loss", 1, 0, true},
      {"held_out_loss", "held-out-loss", "Held-out loss", "loss", 1, 1, true},
  };
  if (says_no_metric(test)) return measures;
  const Metric metric = metric_in(test);
  std::string name = "held-out-" + metric.name;
  std::replace(name.begin(), name.end(), '_', '-');
  measures.insert(measures.begin(),
                  {"held_out_" + metric.name, name, "Held-out " + human_name(metric),
                   unit_of(metric), metric.is_fraction ? 100.0 : 1.0, 2, false});
  return measures;
}

Figure empty_figure(const Json& test, const Measure& measure) {
  Figure figure;
  figure.name = measure.name;
  figure.title = measure.title;
  figure.x.label = "learning rate";
  figure.y.label = measure.unit;
  bool any = false;
  for (const Json& sweep : list_in(test, "sweeps")) {
    any = true;
    figure.x.logarithmic |= text_in(sweep, "shape") != "linear";
  }
  figure.x.logarithmic |= !any;
  return figure;
}

// Sweeps to another end than that of the number.
bool is_aside(const Json& sweep) {
  return text_in(sweep, "label").find(", to ") != std::string::npos;
}

// The steps of the sweeps in one cloud.
PlotSeries steps_of(const Json& test, const Measure& measure) {
  PlotSeries cloud;
  for (const Json& sweep : list_in(test, "sweeps")) {
    if (is_aside(sweep)) continue;
    const PlotSeries one = series_in(list_in(sweep, "points"), measure.key, measure.factor);
    cloud.x.insert(cloud.x.end(), one.x.begin(), one.x.end());
    cloud.y.insert(cloud.y.end(), one.y.begin(), one.y.end());
  }
  cloud.label = "as measured";
  cloud.style = PlotSeries::Style::faint_points;
  cloud.colour = measure.colour;
  return cloud;
}

void add(Figure& figure, PlotSeries series, const std::string& label) {
  if (series.x.empty()) return;
  series.label = label;
  figure.series.push_back(std::move(series));
}

// A diverging end would flatten everything else: the axis ends somewhat above where the curves
// began.
void cut_off(Figure& figure) {
  double top = -INFINITY;
  double cap = -INFINITY;
  for (const PlotSeries& series : figure.series) {
    const double lowest = *std::min_element(series.y.begin(), series.y.end());
    const double highest = *std::max_element(series.y.begin(), series.y.end());
    const double first = series.y.front();
    top = std::max(top, highest);
    if (series.style == PlotSeries::Style::line)
      cap = std::max(cap, first + std::max(0.5 * (first - lowest), 0.25 * std::abs(first)));
  }
  if (!std::isfinite(cap) || top <= cap) return;
  figure.y.high = cap;
  figure.note = format("Values above {} are cut off; the highest is {}.", human_number(cap),
                       human_number(top));
}

void add_marks(Figure& figure, const Json& test, const PlotSeries& curve, bool with_rules) {
  const auto add_mark = [&](const std::string& label, double lr, bool strong) {
    if (std::isfinite(lr) && lr > 0)
      figure.marks.push_back({label, lr, value_at(curve, lr), strong});
  };
  for (const Json& one : list_in(test, "suggestions"))
    if (with_rules && std::isfinite(value_at(curve, number_in(one, "lr"))))
      add_mark(format("{}: {}", text_in(one, "rule"), human_number(number_in(one, "lr"))),
               number_in(one, "lr"), false);
  const double best = number_in(test, "lr_max");
  const double least = number_in(test, "lr_min");
  add_mark("lr_max " + human_number(best), best, true);
  if (std::isfinite(value_at(curve, least))) add_mark("lr_min " + human_number(least), least, true);
}

Figure main_figure(const Json& test, const Measure& measure) {
  Figure figure = empty_figure(test, measure);
  PlotSeries cloud = steps_of(test, measure);
  PlotSeries smoothed = series_in(list_in(test, "smoothed"), measure.key, measure.factor);
  smoothed.colour = measure.colour;
  add(figure, std::move(cloud), "as measured");
  add(figure, smoothed, smoothed.low.empty() ? "smoothed" : "smoothed, with its spread");
  if (measure.key == "train_loss") {
    PlotSeries causal = series_in(list_in(test, "causal"), measure.key);
    causal.style = PlotSeries::Style::dashed;
    causal.colour = 3;
    add(figure, std::move(causal), "causal average (lags; for stopping only)");
  }
  if (measure.is_loss) cut_off(figure);
  add_marks(figure, test, smoothed, measure.is_loss);
  if (figure.marks.size() > 2)
    figure.note += std::string(figure.note.empty() ? "" : " ") +
                   "Small dots: what each rule answers, see the table.";
  return figure;
}

// What is drawn together: overlays of one hyper-parameter over one axis.
struct OverlayKind {
  std::string of;
  std::string axis;

  bool operator==(const OverlayKind&) const = default;
};

OverlayKind kind_of(const Json& overlay) {
  const std::string axis = text_in(overlay, "axis");
  return {text_in(overlay, "of"), axis.empty() ? "learning rate" : axis};
}

std::vector<OverlayKind> overlay_kinds(const Json& test) {
  std::vector<OverlayKind> kinds;
  for (const Json& overlay : list_in(test, "overlays"))
    if (std::find(kinds.begin(), kinds.end(), kind_of(overlay)) == kinds.end())
      kinds.push_back(kind_of(overlay));
  return kinds;
}

Figure overlay_figure(const Json& test, const Measure& measure, const OverlayKind& kind) {
  Figure figure = empty_figure(test, measure);
  const bool over_lr = kind.axis == "learning rate";
  figure.name = format("overlays-{}-{}-{}", kind.of, over_lr ? "lr" : kind.axis, measure.name);
  std::replace(figure.name.begin(), figure.name.end(), ' ', '-');
  figure.title = format("{}: {}", measure.title, kind.of.empty() ? "overlays" : kind.of);
  figure.x.label = kind.axis;
  figure.x.logarithmic = figure.x.logarithmic && over_lr;
  int colour = 0;
  for (const Json& overlay : list_in(test, "overlays")) {
    if (kind_of(overlay) != kind) continue;
    PlotSeries curve = series_in(list_in(overlay, "smoothed"), measure.key, measure.factor);
    curve.low.clear();  // bands of several curves hide one another
    curve.high.clear();
    curve.colour = colour % 6;
    if (colour++ >= 6) curve.style = PlotSeries::Style::dashed;
    const bool best = overlay.is_object() && overlay.contains("best") && overlay["best"] == true;
    add(figure, std::move(curve), text_in(overlay, "label") + (best ? " (best)" : ""));
  }
  if (measure.is_loss) cut_off(figure);
  return figure;
}

}  // namespace

std::vector<Figure> range_figures(const Json& test) {
  std::vector<Figure> figures;
  const std::vector<Measure> measures = measures_of(test);
  for (const Measure& measure : measures) figures.push_back(main_figure(test, measure));
  for (const OverlayKind& kind : overlay_kinds(test))
    for (const Measure& measure : measures) figures.push_back(overlay_figure(test, measure, kind));
  std::erase_if(figures, [](const Figure& figure) { return figure.series.empty(); });
  return figures;
}

}  // namespace onecycle
