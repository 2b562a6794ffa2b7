#include "schedule/survey.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

constexpr std::int64_t kEven = (kWholeSurvey + 1) / 2;  // stretches of a run, were all the longest
constexpr std::int64_t kGrowth = 1 << 11;  // a stretch is at most this part of the steps before it
constexpr double kGolden = 0.6180339887498949;

std::int64_t stretch_at(std::int64_t step, std::int64_t total) {
  const std::int64_t longest = std::max<std::int64_t>(1, total / kEven);
  return std::min(total - step, std::clamp<std::int64_t>(step / kGrowth, 1, longest));
}

}  // namespace

std::vector<std::int64_t> corners_of(const Schedule& schedule, std::int64_t total) {
  const auto* cornered = dynamic_cast<const Cornered*>(&schedule);
  return cornered != nullptr ? cornered->corners(total) : std::vector<std::int64_t>{};
}

void survey(
    const Schedule& schedule, std::int64_t total,
    const std::function<void(std::int64_t step, const Hyper& hyper, std::int64_t count)>& look) {
  // Where in its stretch a step is taken: multiples of the golden ratio, which keep time with no
  // cycle of the schedule.
  double place = 0;
  for (std::int64_t begin = 0; begin < total;) {
    const std::int64_t count = stretch_at(begin, total);
    const std::int64_t step = begin + static_cast<std::int64_t>(place * static_cast<double>(count));
    look(step, schedule.at(step, total), count);
    place += kGolden;
    place -= std::floor(place);
    begin += count;
  }
  if (total <= kWholeSurvey) return;
  for (const std::int64_t corner : corners_of(schedule, total))
    for (const std::int64_t step : {corner - 1, corner, corner + 1})
      if (step >= 0 && step < total) look(step, schedule.at(step, total), 0);
  look(total - 1, schedule.at(total - 1, total), 0);
}

}  // namespace onecycle
