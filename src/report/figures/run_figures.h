#pragma once

#include "onecycle/report.h"

#include "report/run_files.h"

namespace onecycle {

// Loss and accuracy over epochs; training loss, learning rate, momentum, weight decay where it
// varies and throughput over steps. Those without a value are left out.
std::vector<Figure> run_figures(const RunFiles& files);

}  // namespace onecycle
