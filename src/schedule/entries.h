#pragma once

#include "schedule/common.h"

namespace onecycle::schedule {

ScheduleRegistry::Entry one_cycle_entry();
ScheduleRegistry::Entry cyclical_entry();
ScheduleRegistry::Entry constant_entry();
ScheduleRegistry::Entry linear_entry();
ScheduleRegistry::Entry exponential_entry();
ScheduleRegistry::Entry multistep_entry();
ScheduleRegistry::Entry cosine_entry();
ScheduleRegistry::Entry segments_entry();

}  // namespace onecycle::schedule
