#include "core/text/format.h"
#include "core/text/metric_text.h"
#include "core/text/number.h"
#include "report/figures/figure_data.h"
#include "report/page/text.h"
#include "report/range_file.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

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

bool is_coarse(const Json& sweep) { return text_in(sweep, "shape") == "exponential"; }

constexpr std::string_view kEndsAt = ", to ";  // in the label of a sweep to another end

// Where a sweep to another end than that of the number ends; empty: it ends there.
std::string other_end(const Json& sweep) {
  const std::string label = text_in(sweep, "label");
  const std::size_t found = label.find(kEndsAt);
  return found == std::string::npos ? "" : label.substr(found + kEndsAt.size());
}

// The steps of the sweeps that `counts` in one cloud.
PlotSeries steps_of(const Json& test, const Measure& measure, bool (*counts)(const Json&)) {
  PlotSeries cloud;
  for (const Json& sweep : list_in(test, "sweeps")) {
    if (!counts(sweep)) continue;
    const PlotSeries one = series_in(list_in(sweep, "points"), measure.key, measure.factor);
    cloud.x.insert(cloud.x.end(), one.x.begin(), one.x.end());
    cloud.y.insert(cloud.y.end(), one.y.begin(), one.y.end());
  }
  cloud.style = PlotSeries::Style::faint_points;
  cloud.colour = measure.colour;
  return cloud;
}

double last_rate(const Json& sweep) {
  const Json& points = list_in(sweep, "points");
  return points.empty() ? 0 : number_in(points.back(), "lr");
}

// Sweeps of all seeds to one end that is farther than that of the number.
struct Farther {
  std::string end;
  std::vector<const Json*> sweeps;
};

// The nearest ends first.
std::vector<Farther> farther_sweeps(const Json& test) {
  constexpr std::size_t kMost = 3;  // more than that tell nothing new
  double reached = 0;
  for (const Json& sweep : list_in(test, "sweeps"))
    if (!is_coarse(sweep) && other_end(sweep).empty())
      reached = std::max(reached, last_rate(sweep));
  std::map<double, Farther> found;
  for (const Json& sweep : list_in(test, "sweeps")) {
    const std::string end = other_end(sweep);
    const auto high = parse_number(end);
    if (is_coarse(sweep) || !high || *high <= reached) continue;
    found[*high].end = end;
    found[*high].sweeps.push_back(&sweep);
  }
  std::vector<Farther> result;
  for (auto& [high, farther] : found)
    if (result.size() < kMost) result.push_back(std::move(farther));
  return result;
}

// Means over the seeds and ten steps each, which are those between two looks.
PlotSeries means_of(const Farther& farther, const Measure& measure) {
  constexpr double kSteps = 10;
  struct Sum {
    double x = 0, y = 0, count = 0;
  };
  std::map<std::int64_t, Sum> sums;
  for (const Json* sweep : farther.sweeps)
    for (const Json& point : list_in(*sweep, "points")) {
      const double y = number_in(point, measure.key);
      const double block = std::floor(number_in(point, "step") / kSteps);
      if (!std::isfinite(y) || !std::isfinite(block)) continue;
      Sum& sum = sums[static_cast<std::int64_t>(block)];
      sum.x += number_in(point, "lr");
      sum.y += y;
      ++sum.count;
    }
  PlotSeries series;
  for (const auto& [block, sum] : sums) {
    series.x.push_back(sum.x / sum.count);
    series.y.push_back(measure.factor * sum.y / sum.count);
  }
  return series;
}

std::string farther_label(const Farther& farther) {
  double diverges = 0;
  for (const Json* sweep : farther.sweeps)
    if (!text_in(*sweep, "stopped").empty()) diverges = std::max(diverges, last_rate(*sweep));
  return "farther, to " + farther.end +
         (diverges > 0 ? format(": diverges at {}", human_number(diverges)) : "");
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
  const bool any_line = std::any_of(figure.series.begin(), figure.series.end(),
                                    [](const PlotSeries& one) { return is_line(one.style); });
  for (const PlotSeries& series : figure.series) {
    const double lowest = *std::min_element(series.y.begin(), series.y.end());
    const double highest = *std::max_element(series.y.begin(), series.y.end());
    const double first = series.y.front();
    top = std::max(top, highest);
    if (is_line(series.style) || !any_line)
      cap = std::max(cap, first + std::max(0.5 * (first - lowest), 0.25 * std::abs(first)));
  }
  if (!std::isfinite(cap) || top <= cap) return;
  figure.y.high = cap;
  figure.note = format("Values above {} are cut off; the highest is {}.", human_number(cap),
                       human_number(top));
}

void add_note(Figure& figure, const std::string& sentence) {
  figure.note += (figure.note.empty() ? "" : " ") + sentence;
}

void add_mark(Figure& figure, const std::string& label, double lr, const PlotSeries& curve,
              bool strong) {
  if (std::isfinite(lr) && lr > 0) figure.marks.push_back({label, lr, value_at(curve, lr), strong});
}

void add_answer(Figure& figure, const Json& test, const PlotSeries& curve) {
  const double best = number_in(test, "lr_max");
  const double least = number_in(test, "lr_min");
  add_mark(figure, "lr_max " + human_number(best), best, curve, true);
  if (std::isfinite(value_at(curve, least)))
    add_mark(figure, "lr_min " + human_number(least), least, curve, true);
}

Figure main_figure(const Json& test, const Measure& measure) {
  Figure figure = empty_figure(test, measure);
  const std::vector<Farther> farther = farther_sweeps(test);
  PlotSeries smoothed = series_in(list_in(test, "smoothed"), measure.key, measure.factor);
  smoothed.colour = measure.colour;
  add(figure,
      steps_of(test, measure,
               [](const Json& sweep) { return !is_coarse(sweep) && other_end(sweep).empty(); }),
      "as measured");
  add(figure, smoothed, smoothed.low.empty() ? "smoothed" : "smoothed, with its spread");
  int colour = 3;  // those before are the measures'
  for (const Farther& one : farther) {
    PlotSeries curve = means_of(one, measure);
    curve.colour = colour++;
    add(figure, std::move(curve), farther_label(one));
  }
  if (measure.is_loss) cut_off(figure);
  add_answer(figure, test, smoothed);
  if (!farther.empty() && std::isfinite(number_in(test, "lr_max")))
    add_note(figure,
             "Linear sweeps from a low rate, as Smith's. Those that go farther than the one "
             "that lr_max is read off are there for comparison: means of the seeds.");
  return figure;
}

// The sweep that fastai's rules read, which are marked on the average that they read.
Figure coarse_figure(const Json& test) {
  const Measure measure = {
      "train_loss", "coarse-sweep", "Coarse sweep, as fastai's: training loss", "loss", 1, 0, true};
  Figure figure = empty_figure(test, measure);
  add(figure, steps_of(test, measure, is_coarse), "as measured");
  if (figure.series.empty()) return figure;
  PlotSeries causal = series_in(list_in(test, "causal"), measure.key);
  causal.style = PlotSeries::Style::dashed;
  causal.colour = 3;
  add(figure, causal, "average so far (lags)");
  cut_off(figure);
  for (const Json& one : list_in(test, "suggestions")) {
    const double lr = number_in(one, "lr");
    if (text_in(one, "rule") != "smith" && std::isfinite(value_at(causal, lr)))
      add_mark(figure, format("{}: {}", text_in(one, "rule"), human_number(lr)), lr, causal, false);
  }
  if (!figure.marks.empty())
    add_note(figure, "Small dots: what each of fastai's rules answers, see the table.");
  const double best = number_in(test, "lr_max");
  add_mark(figure, "lr_max " + human_number(best), best, causal, true);
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
  figures.push_back(coarse_figure(test));
  for (const OverlayKind& kind : overlay_kinds(test))
    for (const Measure& measure : measures) figures.push_back(overlay_figure(test, measure, kind));
  std::erase_if(figures, [](const Figure& figure) { return figure.series.empty(); });
  return figures;
}

}  // namespace onecycle
