#pragma once

#include "onecycle/report.h"

#include <string>

namespace onecycle {

// The series' names in rows of at most `width` user units, the first row's baseline at `y`.
std::string svg_legend(const Figure& figure, int width, int y);
int legend_height(const Figure& figure, int width);

struct SvgOptions {
  std::string form = "wide";  // a class of the element, and part of its ids
  int width = 560;            // user units
  int height = 300;
  bool standalone = false;  // with title, legend and style, as a document of its own
};

// The figure as an <svg> element, coloured by classes alone: c0 to c5, grid, tick, band... (see
// plot_style). Its data-* attributes give the plot's box in user units and the axes' ranges.
std::string svg_element(const Figure& figure, const SvgOptions& options);

// CSS of those classes, with the palette for light, dark and paper.
std::string plot_style();

}  // namespace onecycle
