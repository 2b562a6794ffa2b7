#pragma once

#include <cstdint>
#include <optional>

#include <ATen/core/Tensor.h>

namespace onecycle {

// The label of rows that are not samples.
inline constexpr std::int64_t kIgnoredLabel = -1;

// What each sample of a batch was mixed with (arXiv 1710.09412).
struct Mix {
  at::Tensor targets;  // [B, ...]: the partner's
  at::Tensor weight;   // [B], float32 of .5 to 1: share of the sample's own targets
};

// Samples that are computed together.
struct Batch {
  at::Tensor inputs;   // [B, ...], on the device that computes
  at::Tensor targets;  // [B, ...]; classes: [B], int64, kIgnoredLabel in rows that are padding
  std::optional<Mix> mix = {};
  std::int64_t valid = 0;  // rows that are samples: the first ones; the others pad a last batch
};

}  // namespace onecycle
