#pragma once

#include "report/page/content.h"
#include "report/run_files.h"

#include <vector>

namespace onecycle {

// The latest rows of metrics.csv without its empty columns, in as many tables as fit the page's
// width.
std::vector<PageTable> evaluations_of(const RunFiles& files);
// The latest rows of events.csv but the checkpoints, which the note counts.
PageTable events_of(const RunCsv& events);

}  // namespace onecycle
