#include "core/memory/host_memory.h"

#include "core/text/number.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <utility>

namespace onecycle {

namespace {

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
  return kNoLimit;
}

}  // namespace

std::int64_t kilobytes_of(const char* path, const std::string& key, std::int64_t otherwise) {
  std::ifstream file(path);
  for (std::string name; file >> name; file.ignore(256, '\n')) {
    std::int64_t kilobytes = 0;
    if (name == key && file >> kilobytes) return kilobytes * 1024;
  }
  return otherwise;
}

std::int64_t data_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_DATA, &limit) != 0) return kNoLimit;
  return static_cast<std::int64_t>(std::min(limit.rlim_cur, static_cast<rlim_t>(kNoLimit)));
}

std::int64_t available_host_memory() {
  return std::min(
      {kilobytes_of("/proc/meminfo", "MemAvailable:", kNoLimit), left_in_group(), data_limit()});
}

}  // namespace onecycle
