#pragma once

#include "onecycle/registry.h"
#include "onecycle/schedule.h"

#include <memory>

namespace onecycle {

// Throws RecipeError where a quantity is named by both the optimizer and the schedule, or the
// learning rate by neither.
using ScheduleRegistry =
    Registry<std::unique_ptr<Schedule>(const Value& options, const ScheduleContext&)>;

// one_cycle, cyclical, constant, linear, exponential, multistep, cosine and segments, each with an
// optional warm-up before it and a weight decay that may follow a curve.
ScheduleRegistry builtin_schedules();

}  // namespace onecycle
