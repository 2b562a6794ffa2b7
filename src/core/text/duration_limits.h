#pragma once

#include <cstdint>

namespace onecycle {

// A run has fewer steps: doubles, in which schedules reckon, tell any two of them apart.
constexpr std::int64_t kTooManySteps = std::int64_t{1} << 53;
// Epochs are counted in 32 bits where samples are put in order.
constexpr double kMostEpochs = 1e9;

}  // namespace onecycle
