#include "onecycle/schedules.h"

#include "schedule/survey.h"

#include <algorithm>

namespace onecycle {

namespace schedule {

ScheduleRegistry::Entry one_cycle_entry();
ScheduleRegistry::Entry cyclical_entry();
ScheduleRegistry::Entry constant_entry();
ScheduleRegistry::Entry linear_entry();
ScheduleRegistry::Entry exponential_entry();
ScheduleRegistry::Entry multistep_entry();
ScheduleRegistry::Entry cosine_entry();
ScheduleRegistry::Entry segments_entry();

}  // namespace schedule

ScheduleRegistry builtin_schedules() {
  ScheduleRegistry registry("schedule");
  registry.add(schedule::one_cycle_entry());
  registry.add(schedule::cyclical_entry());
  registry.add(schedule::constant_entry());
  registry.add(schedule::linear_entry());
  registry.add(schedule::exponential_entry());
  registry.add(schedule::multistep_entry());
  registry.add(schedule::cosine_entry());
  registry.add(schedule::segments_entry());
  return registry;
}

double peak_lr(const Schedule& schedule, std::int64_t total) {
  double peak = schedule.at(0, total).lr;
  survey(schedule, total,
         [&](std::int64_t, const Hyper& hyper, std::int64_t) { peak = std::max(peak, hyper.lr); });
  return peak;
}

}  // namespace onecycle
