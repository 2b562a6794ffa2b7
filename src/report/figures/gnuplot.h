#pragma once

#include "onecycle/report.h"

#include <string>

namespace onecycle {

// The script that draws `figure` as a PNG on stdout. Texts stand in single quotes, where gnuplot
// expands nothing, with quotes and line breaks replaced; numbers are all else that varies.
std::string gnuplot_script(const Figure& figure);

struct ProgramResult {
  std::string out;
  std::string failure;  // one line; empty when it ended well
};

// Runs `program` (found in PATH) with `input` on its stdin, no shell between, for at most
// `seconds`.
ProgramResult run_with_input(const std::string& program, const std::vector<std::string>& arguments,
                             const std::string& input, int seconds);

// A PNG of the figure, or why there is none.
ProgramResult draw_png(const Figure& figure, const std::string& gnuplot);

}  // namespace onecycle
