#pragma once

#include "onecycle/events.h"
#include "onecycle/group.h"
#include "onecycle/task.h"

#include "kernels/metrics/metrics.h"

namespace onecycle {

// Of all ranks, which each took as many batches.
kernels::MetricSums sum_over(Group& group, const kernels::MetricSums& own);

// The score of what came between two readings, its loss the mean weighted as the samples were.
// `kept`: the rows that the task keeps of it, where they were kept.
Score score_between(const kernels::MetricSums& before, const kernels::MetricSums& after,
                    const Task& task, const at::Tensor& kept = {});

}  // namespace onecycle
