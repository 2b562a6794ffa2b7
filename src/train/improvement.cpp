#include "train/improvement.h"

#include <cmath>

namespace onecycle {

std::optional<double> improvement(const Score& score, bool by_loss,
                                  const std::optional<double>& best, double margin) {
  const double value = by_loss ? -score.loss : score.accuracy;
  const bool better = std::isfinite(score.loss) && (!best || value > *best + margin);
  return better ? std::optional(value) : std::nullopt;
}

}  // namespace onecycle
