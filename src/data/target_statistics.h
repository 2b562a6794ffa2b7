#pragma once

#include "onecycle/data.h"

namespace onecycle {

// Measures the targets of the training part (TargetStatistics; the names of values are there), and
// standardises values, in all parts. Throws DataError for values that cannot be.
void measure_targets(DataSet& data);

}  // namespace onecycle
