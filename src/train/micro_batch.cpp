#include "train/micro_batch.h"

#include "kernels/device_memory.h"

#include <algorithm>
#include <fstream>
#include <string>

namespace onecycle {

namespace {

// Bytes; enough for anything where it is not known.
std::int64_t available_on_host() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  std::int64_t kilobytes = 0;
  while (file >> key >> kilobytes) {
    if (key == "MemAvailable:") return kilobytes * 1024;
    file.ignore(256, '\n');
  }
  return std::int64_t{1} << 50;
}

}  // namespace

std::int64_t fitting_micro_batch(const Run& run) {
  constexpr std::int64_t kGradientsToo = 2;
  const std::int64_t free = run.compute.device.is_cuda()
                                ? kernels::free_device_memory(run.compute.device.index())
                                : available_on_host();
  const std::int64_t sample = std::max<std::int64_t>(
      1, kGradientsToo * summarise(*run.model, run.context).activation_bytes);
  const std::int64_t most = std::max<std::int64_t>(1, free / 2 / sample);
  const std::int64_t parts = (run.steps.total_batch + most - 1) / most;
  return (run.steps.total_batch + parts - 1) / parts;
}

}  // namespace onecycle
