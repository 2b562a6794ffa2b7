#pragma once

#include <cstdint>
#include <string>

namespace onecycle::testing {

// "SigCgt", "SigBlk" and the like of a status file in /proc.
inline std::uint64_t mask_in(const std::string& status, const std::string& name) {
  const std::size_t at = status.find(name + ":");
  if (at == std::string::npos) return ~0ULL;
  return std::stoull(status.substr(at + name.size() + 1), nullptr, 16);
}

constexpr std::uint64_t bit(int signal) { return 1ULL << (signal - 1); }

}  // namespace onecycle::testing
