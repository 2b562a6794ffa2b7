#pragma once

#include "onecycle/report.h"

#include "core/text/json.h"

#include <string>
#include <vector>

namespace onecycle {

// Reading a range_test.json that may lack anything: what is missing or of another type is not a
// number, empty, or an empty list.
double number_in(const Json& json, const std::string& key);
std::string text_in(const Json& json, const std::string& key);
const Json& list_in(const Json& json, const std::string& key);

// A value of each item of a list over its learning rate; with its band where `key`_low is there.
PlotSeries series_in(const Json& items, const std::string& key, double factor = 1);

// Between neighbours, linearly in log x; not a number beyond the ends. `series` ascends in x.
double value_at(const PlotSeries& series, double x);

// Throws Error.
Json read_range_file(const std::string& path);

// The held-out metric, which the file says as "metric", training loss and held-out loss over the
// learning rate, and the same of the overlays. Those without a point are left out.
std::vector<Figure> range_figures(const Json& test);

}  // namespace onecycle
