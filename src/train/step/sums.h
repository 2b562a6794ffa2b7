#pragma once

#include "onecycle/events.h"
#include "onecycle/group.h"
#include "onecycle/task.h"

#include "kernels/metrics/metrics.h"

namespace onecycle {

// Of all ranks, which each took as many batches.
kernels::MetricSums sum_over(Group& group, const kernels::MetricSums& own);

// The score of what came between two readings, of a task with so many metrics.
Score score_between(const kernels::MetricSums& before, const kernels::MetricSums& after,
                    std::size_t metrics);

}  // namespace onecycle
