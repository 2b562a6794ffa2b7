#include "report/range_file.h"

#include "onecycle/error.h"

#include "core/text/json_text.h"
#include "report/run_csv.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

double number_in(const Json& json, const std::string& key) {
  const auto found = json.is_object() ? json.find(key) : json.end();
  return found != json.end() && found->is_number() ? found->get<double>() : PlotAxis::kOpen;
}

std::string text_in(const Json& json, const std::string& key) {
  const auto found = json.is_object() ? json.find(key) : json.end();
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

const Json& list_in(const Json& json, const std::string& key) {
  static const Json kEmpty = Json::array();
  const auto found = json.is_object() ? json.find(key) : json.end();
  return found != json.end() && found->is_array() ? *found : kEmpty;
}

PlotSeries series_in(const Json& items, const std::string& key, double factor) {
  PlotSeries series;
  bool any_band = false;
  for (const Json& item : items) {
    const double y = number_in(item, key);
    if (!std::isfinite(y)) continue;
    const double x = number_in(item, "x");  // a smoothed curve's; a step has its learning rate
    series.x.push_back(std::isfinite(x) ? x : number_in(item, "lr"));
    series.y.push_back(factor * y);
    series.low.push_back(factor * number_in(item, key + "_low"));
    series.high.push_back(factor * number_in(item, key + "_high"));
    any_band |= std::isfinite(series.low.back());
  }
  if (!any_band) {
    series.low.clear();
    series.high.clear();
  }
  return series;
}

double value_at(const PlotSeries& series, double x) {
  for (std::size_t i = 0; i < series.x.size(); ++i) {
    if (series.x[i] == x) return series.y[i];
    if (i == 0 || series.x[i] < x || series.x[i - 1] > x) continue;
    const bool logarithmic = series.x[i - 1] > 0;
    const double whole =
        logarithmic ? std::log(series.x[i] / series.x[i - 1]) : series.x[i] - series.x[i - 1];
    const double part = logarithmic ? std::log(x / series.x[i - 1]) : x - series.x[i - 1];
    return series.y[i - 1] + part / whole * (series.y[i] - series.y[i - 1]);
  }
  return PlotAxis::kOpen;
}

Json read_range_file(const std::string& path) {
  Json json = parse_json(read_text_file(path));
  if (!json.is_object()) throw Error(path + ": not JSON of a range test; run the test again");
  return json;
}

}  // namespace onecycle
