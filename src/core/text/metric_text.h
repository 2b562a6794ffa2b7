#pragma once

#include "onecycle/score.h"

#include "core/text/json.h"

#include <string>
#include <vector>

namespace onecycle {

// What is kept beside values of a metric, for those who read them later.
ONECYCLE_JSON(Metric, name, label, larger_is_better, is_fraction)

// What is compared where nothing says which metric it is: files of older programs.
Metric accuracy_metric();

// The value for people: percent of a fraction, else four digits; "-" for what is not a number.
std::string metric_number(const Metric& metric, double value);  // "89.35", "0.0312"
// With its unit: "89.35 %", "0.0312".
std::string metric_text(const Metric& metric, double value);

// Which metric the member "metric" of a file's object names; accuracy where there is none.
Metric metric_in(const Json& object);

// Metrics as metrics.json of a run's folder has them.
std::string metrics_json(const std::vector<Metric>& metrics);
// And back; empty where the text says nothing of the kind.
std::vector<Metric> metrics_in(const std::string& text);

}  // namespace onecycle
