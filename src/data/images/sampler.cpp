#include "data/images/sampler.h"

#include "onecycle/loader.h"

#include <numeric>
#include <utility>

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

}  // namespace onecycle
