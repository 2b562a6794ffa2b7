#pragma once

#include "core/rng.h"

#include <cstdint>
#include <string>
#include <vector>

namespace onecycle {

// `count` numbers in [-scale/2, scale/2), the same as tests/golden/common.py gives to the last bit.
inline std::vector<double> formula(const std::string& name, std::int64_t count, double scale) {
  const auto start = static_cast<std::uint32_t>(fnv1a(name.data(), name.size()));
  std::vector<double> result;
  for (std::int64_t i = 0; i < count; ++i) {
    std::uint32_t bits = (static_cast<std::uint32_t>(i) + start) * 0x9E3779B1u;
    bits = (bits ^ bits >> 16) * 0x7FEB352Du;
    bits = (bits ^ bits >> 15) * 0x846CA68Bu;
    result.push_back((static_cast<double>(bits >> 8) / (1 << 24) - 0.5) * scale);
  }
  return result;
}

}  // namespace onecycle
