#include "train/step/micro_batch.h"

#include "core/memory/host_memory.h"
#include "kernels/device_memory.h"

#include <algorithm>

namespace onecycle {

std::int64_t fitting_micro_batch(const Run& run) {
  constexpr std::int64_t kGradientsToo = 2;
  const std::int64_t free = run.compute.device.is_cuda()
                                ? kernels::free_device_memory(run.compute.device.index())
                                : kilobytes_of("/proc/meminfo", "MemAvailable:", kNoLimit);
  const std::int64_t sample = std::max<std::int64_t>(
      1, kGradientsToo * summarise(*run.model, run.context).activation_bytes);
  const std::int64_t most = std::max<std::int64_t>(1, free / 2 / sample);
  const std::int64_t parts = (run.steps.total_batch + most - 1) / most;
  return (run.steps.total_batch + parts - 1) / parts;
}

}  // namespace onecycle
