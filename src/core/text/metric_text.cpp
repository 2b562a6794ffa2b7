#include "core/text/metric_text.h"

#include "core/text/format.h"
#include "core/text/json_text.h"

#include <cmath>

namespace onecycle {

Metric accuracy_metric() { return {"accuracy", "acc", true, true}; }

std::string metric_number(const Metric& metric, double value) {
  if (std::isnan(value)) return "-";
  return metric.is_fraction ? format("{:.2f}", 100 * value) : format("{:.4g}", value);
}

std::string metric_text(const Metric& metric, double value) {
  return metric_number(metric, value) + (metric.is_fraction && !std::isnan(value) ? " %" : "");
}

void add_metric(Json& object, const std::vector<Metric>& metrics) {
  if (metrics.empty())
    object["metric"] = nullptr;
  else if (metrics[0].name != accuracy_metric().name)
    object["metric"] = metrics[0];
}

Metric metric_in(const Json& object) {
  try {
    if (object.is_object() && object.contains("metric")) return object["metric"].get<Metric>();
  } catch (const Json::exception&) {
  }
  return accuracy_metric();
}

bool says_no_metric(const Json& object) {
  return object.is_object() && object.contains("metric") && object["metric"].is_null();
}

std::string metrics_json(const std::vector<Metric>& metrics) {
  return json_text(Json(metrics), 1) + "\n";
}

std::string columns_json(const std::vector<Metric>& metrics, int version) {
  if (version < kColumnsVersion) return metrics_json(metrics);
  return json_text(Json{{"version", version}, {"metrics", metrics}}, 1) + "\n";
}

int columns_version(const std::string& text) {
  try {
    if (parse_json(text).is_array()) return 1;
  } catch (const Json::exception&) {
  }
  return kColumnsVersion;
}

std::vector<Metric> metrics_in(const std::string& text) {
  try {
    const Json said = parse_json(text);
    auto metrics = (said.is_object() ? said.at("metrics") : said).get<std::vector<Metric>>();
    if (metrics.size() <= static_cast<std::size_t>(kMostMetrics)) return metrics;
  } catch (const Json::exception&) {
  }
  return {};
}

}  // namespace onecycle
