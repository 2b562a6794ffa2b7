#pragma once

#include "onecycle/trainer.h"

#include <cstdint>
#include <optional>

// A total batch shared by ranks, each in forward passes of equal size.
namespace onecycle {

// total batch = per_rank x ranks x accumulated
struct BatchShares {
  std::int64_t per_rank = 0;     // samples of one forward pass of one rank
  std::int64_t accumulated = 0;  // forward passes of one rank a step
};

// The fewest equal passes of at most `limit` samples, each a multiple of `unit` (the groups of
// model.bn_batch); all numbers at least 1. Nothing where the ranks' parts are not equal, or where
// only more than twice as many passes as a remainder would leave are equal.
std::optional<BatchShares> share_batch(std::int64_t total, std::int64_t limit, std::int64_t ranks,
                                       std::int64_t unit = 1);

// The same of a step over at most `num_train` samples. `limit`: data.batch_size. Throws FieldError
// with the nearest total batches that can be shared.
BatchShares require_shares(std::int64_t total, std::int64_t limit, std::int64_t ranks,
                           std::int64_t num_train, std::int64_t unit = 1);

// Whether a batch norm of the run's network normalises otherwise when steps are cut into forward
// passes of another size, by ranks or accumulation.
bool norms_follow_passes(const Run& run);

}  // namespace onecycle
