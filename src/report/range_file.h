#pragma once

#include "onecycle/report.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace onecycle {

// Reading a range_test.json that may lack anything: what is missing or of another type is not a
// number, empty, or an empty list.
using RangeJson = nlohmann::json;
double number_in(const RangeJson& json, const std::string& key);
std::string text_in(const RangeJson& json, const std::string& key);
const RangeJson& list_in(const RangeJson& json, const std::string& key);

// A value of each item of a list over its learning rate; with its band where `key`_low is there.
PlotSeries series_in(const RangeJson& items, const std::string& key, double factor = 1);

// Between neighbours, linearly in log x; not a number beyond the ends. `series` ascends in x.
double value_at(const PlotSeries& series, double x);

// Throws Error.
RangeJson read_range_file(const std::string& path);

// Training loss, held-out loss and held-out accuracy over the learning rate, and the same of the
// overlays. Those without a point are left out.
std::vector<Figure> range_figures(const RangeJson& test);

}  // namespace onecycle
