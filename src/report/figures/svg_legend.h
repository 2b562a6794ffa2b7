#pragma once

#include "onecycle/report.h"

#include <string>

namespace onecycle {

// The series' names in rows of at most `width` user units, the first row's baseline at `y`.
std::string svg_legend(const Figure& figure, int width, int y);
int legend_height(const Figure& figure, int width);

}  // namespace onecycle
