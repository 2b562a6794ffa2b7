#pragma once

#include <cstdint>

namespace onecycle::kernels {

// Channels that loops of the CPU take at a time (kernels/lanes.h).
constexpr std::int64_t kLanes = 16;

}  // namespace onecycle::kernels
