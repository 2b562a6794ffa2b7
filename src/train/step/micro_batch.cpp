#include "train/step/micro_batch.h"

#include "core/memory/host_memory.h"
#include "kernels/device_memory.h"
#include "nn/layers/batch_norm.h"
#include "train/total_batch.h"

#include <algorithm>

namespace onecycle {

namespace {

// The most samples, up to `most`, of equal passes of all ranks that are whole groups; 0: none are.
std::int64_t largest_of_whole_groups(const StepPlan& steps, std::int64_t most, std::int64_t group) {
  for (std::int64_t size = std::min(most, steps.total_batch / steps.ranks) / group * group;
       size > 0; size -= group)
    if (steps.total_batch % (size * steps.ranks) == 0) return size;
  return 0;
}

}  // namespace

std::int64_t fitting_micro_batch(const Run& run) {
  constexpr std::int64_t kGradientsToo = 2;
  const std::int64_t free = run.compute.device.is_cuda()
                                ? kernels::free_device_memory(run.compute.device.index())
                                : kilobytes_of("/proc/meminfo", "MemAvailable:", kNoLimit);
  const std::int64_t sample = std::max<std::int64_t>(
      1, kGradientsToo * summarise(*run.model, run.context).activation_bytes);
  const std::int64_t most = std::max<std::int64_t>(1, free / 2 / sample);
  const std::int64_t unit = pass_unit(*run.model);
  if (run.steps.total_given)
    return require_shares(run.steps.total_batch, most, run.steps.ranks, run.train->size(), unit)
        .per_rank;
  if (unit > 1)
    if (const std::int64_t size = largest_of_whole_groups(run.steps, most, unit)) return size;
  const std::int64_t parts = (run.steps.total_batch + most - 1) / most;
  return (run.steps.total_batch + parts - 1) / parts;
}

}  // namespace onecycle
