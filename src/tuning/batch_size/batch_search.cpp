#include "onecycle/batch_fit.h"

#include <algorithm>

namespace onecycle {

namespace {

constexpr std::int64_t kUnit = 8;
constexpr double kNearBest = 0.95;

std::int64_t whole_units(std::int64_t batch) {
  return batch < kUnit ? batch : batch / kUnit * kUnit;
}

}  // namespace

std::int64_t find_largest_batch(std::int64_t most, const std::function<bool(std::int64_t)>& fits) {
  if (most < 1) return 0;
  std::int64_t low = std::min(kUnit, most);
  while (!fits(low)) {
    if (low == 1) return 0;
    low /= 2;
  }
  if (low < std::min(kUnit, most)) return low;
  std::int64_t high = most + 1;
  while (low < most && high > most) {
    const std::int64_t next = std::min(2 * low, most);
    if (fits(next)) {
      low = next;
    } else {
      high = next;
    }
  }
  while (low < most && high - low > std::max(kUnit, low / 20)) {
    const std::int64_t middle = std::max(low + kUnit, whole_units(low + (high - low) / 2));
    if (fits(middle)) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

BatchChoice choose_batch(const std::vector<BatchProbe>& probes, std::int64_t num_train,
                         std::int64_t accumulate) {
  BatchChoice choice;
  for (const BatchProbe& probe : probes) {
    if (!probe.fits) continue;
    choice.largest = std::max(choice.largest, probe.batch);
    choice.best_rate = std::max(choice.best_rate, probe.samples_per_second);
  }
  if (choice.largest == 0) return choice;
  choice.fastest = choice.largest;
  for (const BatchProbe& probe : probes)
    if (probe.fits && probe.samples_per_second >= kNearBest * choice.best_rate)
      choice.fastest = std::min(choice.fastest, probe.batch);
  choice.chosen = choice.fastest;
  choice.bound = choice.fastest == choice.largest ? BatchBound::limit : BatchBound::throughput;
  const std::int64_t for_steps =
      std::max<std::int64_t>(1, whole_units(num_train / (kFewestSteps * accumulate)));
  if (choice.chosen > for_steps) {
    choice.chosen = for_steps;
    choice.bound = BatchBound::steps_per_epoch;
  }
  choice.chosen_steps = num_train / (choice.chosen * accumulate);
  return choice;
}

}  // namespace onecycle
