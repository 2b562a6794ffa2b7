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

// Says in a file's object, as its member "metric", which metric its values are of: a task's first,
// null where it has none. Nothing for accuracy, which is meant where nothing is said.
void add_metric(Json& object, const std::vector<Metric>& metrics);
// And back: accuracy where nothing, or nothing that is a metric, is said.
Metric metric_in(const Json& object);
// Whether it is said that there is none.
bool says_no_metric(const Json& object);

// Metrics as a list of JSON.
std::string metrics_json(const std::vector<Metric>& metrics);

// metrics.json of a run's folder: what the columns of its metrics.csv and steps.csv are.
// In version 2 `step` is the number of steps done, and the metrics are in an object with the
// version; in version 1, a list of metrics alone or no such file, it is that number less 1.
inline constexpr int kColumnsVersion = 2;
std::string columns_json(const std::vector<Metric>& metrics, int version = kColumnsVersion);
// The version; 1 of a list, of what cannot be read that of today.
int columns_version(const std::string& text);

// And back, of a list and of metrics.json; empty where the text says nothing of the kind.
std::vector<Metric> metrics_in(const std::string& text);

}  // namespace onecycle
