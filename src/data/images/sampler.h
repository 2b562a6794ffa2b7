#pragma once

#include "core/rng.h"

#include <cstdint>
#include <vector>

namespace onecycle {

// A permutation of 0..n-1, a pure function of its arguments.
std::vector<std::int64_t> shuffled(std::uint64_t seed, RandomUse use, std::uint32_t epoch,
                                   std::int64_t n);

}  // namespace onecycle
