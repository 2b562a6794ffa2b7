#include "report/figures/figure_data.h"

#include "core/text/csv_text.h"
#include "core/text/format.h"
#include "core/text/json.h"
#include "core/text/json_text.h"
#include "core/text/number.h"
#include "report/figures/scale.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

std::string cell(const std::vector<double>& values, std::size_t i) {
  return i < values.size() && std::isfinite(values[i]) ? number_text(values[i]) : "";
}

Json json_of(const std::vector<double>& values, bool rounded) {
  Json list = Json::array();
  for (const double value : values) {
    if (!std::isfinite(value)) {
      list.push_back(nullptr);
    } else {
      list.push_back(rounded ? parse_number(format("{:.6g}", value)).value_or(value) : value);
    }
  }
  return list;
}

Json json_of(const PlotAxis& axis) {
  return {{"label", axis.label}, {"logarithmic", axis.logarithmic}};
}

Json json_of(const PlotSeries& series, bool rounded) {
  Json json = {{"label", series.label},
               {"style", name_of(series.style)},
               {"colour", series.colour},
               {"x", json_of(series.x, rounded)},
               {"y", json_of(series.y, rounded)}};
  if (series.right) json["right"] = true;
  if (!series.low.empty()) {
    json["low"] = json_of(series.low, rounded);
    json["high"] = json_of(series.high, rounded);
  }
  return json;
}

void append(PlotSeries& to, const PlotSeries& from, std::size_t i) {
  to.x.push_back(from.x[i]);
  to.y.push_back(from.y[i]);
  if (from.low.empty()) return;
  to.low.push_back(from.low[i]);
  to.high.push_back(from.high[i]);
}

}  // namespace

const char* name_of(PlotSeries::Style style) {
  switch (style) {
    case PlotSeries::Style::line:
      return "line";
    case PlotSeries::Style::dashed:
      return "dashed";
    case PlotSeries::Style::faint_line:
      return "faint-line";
    case PlotSeries::Style::faint_points:
      return "faint-points";
    case PlotSeries::Style::points:
      return "points";
    case PlotSeries::Style::area:
      return "area";
  }
  return "";
}

bool is_line(PlotSeries::Style style) {
  return style != PlotSeries::Style::points && style != PlotSeries::Style::faint_points;
}

std::string figure_csv(const Figure& figure) {
  std::string text = "series,x,y,low,high\n";
  for (const PlotSeries& series : figure.series)
    for (std::size_t i = 0; i < series.x.size(); ++i)
      text += format("{},{},{},{},{}\n", csv_cell(series.label), cell(series.x, i),
                     cell(series.y, i), cell(series.low, i), cell(series.high, i));
  return text;
}

std::string figure_json(const Figure& figure, std::size_t most) {
  Json json = {{"name", figure.name},    {"title", figure.title},  {"note", figure.note},
               {"x", json_of(figure.x)}, {"y", json_of(figure.y)}, {"series", Json::array()},
               {"marks", Json::array()}};
  if (has_right(figure)) json["right"] = json_of(figure.right);
  for (const PlotSeries& series : figure.series)
    json["series"].push_back(json_of(most > 0 ? thinned(series, most) : series, most > 0));
  for (const PlotMark& mark : figure.marks)
    json["marks"].push_back({{"label", mark.label},
                             {"x", json_of(std::vector{mark.x}, false)[0]},
                             {"y", json_of(std::vector{mark.y}, false)[0]}});
  return json_text(json);
}

PlotSeries thinned(const PlotSeries& series, std::size_t most) {
  const std::size_t count = series.x.size();
  if (count <= most || most < 4) return series;
  PlotSeries result;
  result.label = series.label;
  result.style = series.style;
  result.colour = series.colour;
  result.right = series.right;
  const std::size_t stretch = (2 * count + most - 1) / most;
  for (std::size_t begin = 0; begin < count; begin += stretch) {
    const std::size_t end = std::min(count, begin + stretch);
    std::vector<std::size_t> kept;
    if (begin == 0) kept.push_back(0);
    std::size_t low = end;
    std::size_t high = end;
    for (std::size_t i = begin; i < end; ++i) {
      if (!std::isfinite(series.y[i])) continue;
      if (low == end || series.y[i] < series.y[low]) low = i;
      if (high == end || series.y[i] > series.y[high]) high = i;
    }
    for (const std::size_t i : {std::min(low, high), std::max(low, high)})
      kept.push_back(i < end ? i : begin);
    if (end == count) kept.push_back(count - 1);
    kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
    for (const std::size_t i : kept) append(result, series, i);
  }
  return result;
}

}  // namespace onecycle
