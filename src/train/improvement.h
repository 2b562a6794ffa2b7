#pragma once

#include "onecycle/events.h"

#include <optional>

namespace onecycle {

// What `stop.monitor` makes of an evaluation, where that is better, by more than `margin`, than the
// best of those before: higher is better. An evaluation whose loss is no finite number is never the
// best.
std::optional<double> improvement(const Score& score, bool by_loss,
                                  const std::optional<double>& best, double margin = 0);

}  // namespace onecycle
