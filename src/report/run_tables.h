#pragma once

#include "report/csv_table.h"
#include "report/page/content.h"

namespace onecycle {

// The latest rows of metrics.csv without its empty columns.
PageTable evaluations_of(const CsvTable& metrics);
// The latest rows of events.csv but the checkpoints, which the note counts.
PageTable events_of(const CsvTable& events);

}  // namespace onecycle
