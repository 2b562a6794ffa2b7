#include "core/loss_rise.h"

#include <algorithm>

namespace onecycle {

namespace {

constexpr double kNat = 1;

}  // namespace

double times_as_bad(double reference, double factor, const LossesSeen& seen) {
  if (!by_differences(seen)) return factor * reference;
  return reference + (factor - 1) * std::max(kNat, seen.first - seen.best);
}

}  // namespace onecycle
