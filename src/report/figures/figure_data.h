#pragma once

#include "onecycle/report.h"

#include <cstddef>
#include <string>

namespace onecycle {

// "series,x,y,low,high", a row a point; empty cells for what is not there or not finite.
std::string figure_csv(const Figure& figure);

// The figure as JSON, null for what is not finite. With `most`, series are thinned to about so many
// points and numbers rounded to six digits.
std::string figure_json(const Figure& figure, std::size_t most = 0);

// About `most` points of a longer series: the lowest and the highest of each stretch, and both
// ends.
PlotSeries thinned(const PlotSeries& series, std::size_t most);

// "line", "dashed", "faint-line", "faint-points", "points", "area"
const char* name_of(PlotSeries::Style style);
bool is_line(PlotSeries::Style style);

}  // namespace onecycle
