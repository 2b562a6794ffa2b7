#include "tuning/batch_limit.h"

#include "onecycle/error.h"

#include "core/number.h"
#include "kernels/device_memory.h"
#include "train/compute.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <sys/resource.h>

#include <ATen/ops/empty.h>

namespace onecycle {

namespace {

constexpr std::int64_t kUnlimited = std::int64_t{1} << 50;

// The number after `key` in a file of lines "key: kilobytes kB", in bytes.
std::int64_t kilobytes_of(const char* path, const std::string& key, std::int64_t otherwise) {
  std::ifstream file(path);
  for (std::string name; file >> name; file.ignore(256, '\n')) {
    std::int64_t kilobytes = 0;
    if (name == key && file >> kilobytes) return kilobytes * 1024;
  }
  return otherwise;
}

std::optional<std::int64_t> number_in(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  file >> text;
  return parse_integer(text);
}

std::int64_t left_in_group() {
  for (const auto& [limit, used] :
       {std::pair("memory.max", "memory.current"),
        std::pair("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes")}) {
    const std::string folder = "/sys/fs/cgroup/";
    const auto most = number_in(folder + limit);
    const auto taken = number_in(folder + used);
    if (most && taken) return std::max<std::int64_t>(0, *most - *taken);
  }
  return kUnlimited;
}

std::int64_t data_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_DATA, &limit) != 0) return kUnlimited;
  return static_cast<std::int64_t>(std::min(limit.rlim_cur, static_cast<rlim_t>(kUnlimited)));
}

void limit_data(std::int64_t bytes) {
  const auto wanted = static_cast<rlim_t>(std::min(bytes, data_limit()));
  const rlimit limit{wanted, wanted};
  if (::setrlimit(RLIMIT_DATA, &limit) != 0) throw Error("RLIMIT_DATA cannot be set here");
  std::ofstream("/proc/self/oom_score_adj") << 1000;
}

}  // namespace

std::int64_t available_host_memory() {
  return std::min(
      {kilobytes_of("/proc/meminfo", "MemAvailable:", kUnlimited), left_in_group(), data_limit()});
}

std::int64_t less_margin(std::int64_t memory, double margin) {
  return static_cast<std::int64_t>(static_cast<double>(memory) * (1 - margin));
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
