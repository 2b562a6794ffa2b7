#include "tuning/batch_size/batch_limit.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "kernels/device_memory.h"

#include <algorithm>
#include <fstream>
#include <sys/resource.h>

#include <ATen/ops/empty.h>

namespace onecycle {

namespace {

// RLIMIT_DATA can only be lowered.
void limit_data(std::int64_t bytes) {
  const auto wanted = static_cast<rlim_t>(std::min(bytes, data_limit()));
  const rlimit limit{wanted, wanted};
  if (::setrlimit(RLIMIT_DATA, &limit) != 0) throw Error("RLIMIT_DATA cannot be set here");
  std::ofstream("/proc/self/oom_score_adj") << 1000;
}

}  // namespace

std::int64_t less_margin(std::int64_t memory, double margin) {
  return static_cast<std::int64_t>(static_cast<double>(memory) * (1 - margin));
}

std::string bytes_text(std::int64_t bytes) {
  const auto number = static_cast<double>(bytes);
  if (number >= 0x1p30) return format("{:.2f} GiB", number / 0x1p30);
  return format("{:.0f} MiB", number / 0x1p20);
}

std::string nothing_fits(std::int64_t smallest, std::int64_t limit_bytes, const std::string& why) {
  return format("not even a batch of {} fits in {}: {}", smallest, bytes_text(limit_bytes), why);
}

void require_a_size(std::int64_t most, std::int64_t unit) {
  if (most >= unit) return;
  if (unit == 1)
    throw FieldError("train.accumulate",
                     "a step has more forward passes than samples; lower it or the ranks");
  throw FieldError("model.bn_batch",
                   format("no batch of at most {} samples holds a group of {}; take smaller "
                          "groups, or allow a larger batch",
                          most, unit));
}

MemoryLimit::MemoryLimit(DeviceChoice device, std::int64_t host_bytes,
                         std::optional<std::int64_t> device_bytes, double margin)
    : on_cuda_(device != DeviceChoice::cpu && why_no_cuda().empty()), bytes_(host_bytes) {
  if (!on_cuda_) {
    limit_data(bytes_);
    return;
  }
  const std::int64_t free = kernels::free_device_memory(0);
  bytes_ = less_margin(std::min(free, device_bytes.value_or(free)), margin);
  ballast_ = at::empty({free - bytes_}, at::TensorOptions(at::kByte).device(at::kCUDA, 0));
  free_ = kernels::free_device_memory(0);
}

std::int64_t MemoryLimit::peak() const {
  if (on_cuda_) return free_ - kernels::free_device_memory(0);
  return kilobytes_of("/proc/self/status", "VmHWM:", 0);
}

}  // namespace onecycle
