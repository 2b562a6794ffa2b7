#include "data/images/sampler.h"

#include "onecycle/error.h"
#include "onecycle/loader.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <ATen/ATen.h>

namespace onecycle {

// Fisher and Yates, from the end; the draw at position i depends on i alone.
std::vector<std::int64_t> shuffled(std::uint64_t seed, RandomUse use, std::uint32_t epoch,
                                   std::int64_t n) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (std::uint64_t i = static_cast<std::uint64_t>(n); i > 1; --i) {
    const std::uint64_t j = bounded64(random_words(seed, use, epoch, i - 1).low(), i);
    std::swap(order[i - 1], order[j]);
  }
  return order;
}

std::vector<std::int64_t> epoch_order(std::uint64_t seed, std::int64_t epoch, std::int64_t n) {
  return shuffled(seed, RandomUse::order, static_cast<std::uint32_t>(epoch), n);
}

std::vector<std::int64_t> epoch_order(std::uint64_t seed, std::int64_t epoch, std::int64_t n,
                                      const ChosenRows& chosen) {
  std::vector<std::int64_t> order = epoch_order(seed, epoch, n);
  if (!chosen.positions.defined()) return order;
  const std::int64_t steps = chosen.positions.size(0);
  const std::int64_t kept = chosen.positions.size(1);
  const std::int64_t first = std::min(steps, epoch * chosen.steps_per_epoch);
  const std::int64_t last = std::min(steps, first + chosen.steps_per_epoch);
  const auto* position = chosen.positions.const_data_ptr<std::int32_t>() + first * kept;
  std::vector<std::int64_t> result;
  result.reserve(order.size());
  for (std::int64_t step = 0; step < last - first; ++step)
    for (std::int64_t row = 0; row < kept; ++row)
      result.push_back(order[static_cast<std::size_t>(step * chosen.batch + *position++)]);
  result.insert(result.end(), order.begin(),
                order.begin() + (n - static_cast<std::int64_t>(result.size())));
  return result;
}

void check_rows(const ChosenRows& chosen, std::int64_t n) {
  const at::Tensor& positions = chosen.positions;
  const bool is_table = positions.defined() && positions.dim() == 2 &&
                        positions.scalar_type() == at::kInt && positions.is_cpu() &&
                        positions.is_contiguous() && positions.numel() > 0;
  if (is_table && chosen.batch >= positions.size(1) && chosen.batch <= n &&
      chosen.steps_per_epoch >= 1 && chosen.steps_per_epoch <= n / chosen.batch) {
    const auto [low, high] = at::aminmax(positions);
    if (low.item<std::int32_t>() >= 0 && high.item<std::int32_t>() < chosen.batch) return;
  }
  throw DataError("the rows that were chosen are none of batches of these samples");
}

}  // namespace onecycle
