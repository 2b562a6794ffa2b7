#pragma once

#include "onecycle/source.h"

#include "core/rng.h"

#include <cstdint>
#include <vector>

namespace onecycle {

// A permutation of 0..n-1, a pure function of its arguments.
std::vector<std::int64_t> shuffled(std::uint64_t seed, RandomUse use, std::uint32_t epoch,
                                   std::int64_t n);

// epoch_order(), or where rows were chosen theirs: those of the epoch's steps, then, so that every
// epoch has n numbers, the first samples of the order. `chosen` is as check_rows() wants it, or
// empty.
std::vector<std::int64_t> epoch_order(std::uint64_t seed, std::int64_t epoch, std::int64_t n,
                                      const ChosenRows& chosen);

// Throws DataError where they are no rows of batches of n samples.
void check_rows(const ChosenRows& chosen, std::int64_t n);

}  // namespace onecycle
