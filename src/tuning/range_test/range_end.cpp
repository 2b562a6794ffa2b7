#include "tuning/range_test/range_end.h"

#include "core/text/format.h"
#include "tuning/range_test/rules.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

std::optional<CloseCall> close_call(const RangeEnd& end, const std::deque<RangeEnd>& all) {
  const RangeEnd* against = nullptr;
  CloseCall call;
  double most = -HUGE_VAL;
  for (const RangeEnd& other : all) {
    if (other.high == end.high) continue;
    const double less = reach_of(other.pooled) - reach_of(end.pooled);
    const double noise = noise_between(other.pooled, end.pooled);
    if (!(less - noise > most)) continue;
    most = less - noise;
    against = &other;
    call = {std::max(0.0, less), noise};
  }
  if (against == nullptr) return std::nullopt;
  const double error = paired_error(against->seed_reaches, end.seed_reaches);
  if (!std::isfinite(error) || !(std::abs(most) < error)) return std::nullopt;
  return call;
}

std::string close_call_text(const CloseCall& close, double end, double other, Measure measure) {
  const bool by_loss = measure == Measure::loss;
  const auto said = [&](double difference) {
    return by_loss ? format("{:.2g}", difference) : format("{:.1f} points", 100 * difference);
  };
  return format(
      "A close call: sweeps that end at {:.2g} reach {} {} than the best, and up to {} count as "
      "noise; by other seeds or another processor's rounding lr_max may be {:.2g} instead.",
      end, said(close.less), by_loss ? "worse" : "less", said(close.noise), other);
}

std::string reaches_text(const std::deque<RangeEnd>& all) {
  std::vector<const RangeEnd*> sorted;
  for (const RangeEnd& range : all) sorted.push_back(&range);
  std::sort(sorted.begin(), sorted.end(),
            [](const RangeEnd* a, const RangeEnd* b) { return a->high < b->high; });
  std::string text;
  for (const RangeEnd* range : sorted) {
    const double reach = reach_of(range->pooled);
    text += format("{}{:.2g}: {}, {:.3f}", text.empty() ? "" : "; ", range->high,
                   range->pooled.measure == Measure::loss ? format("{:.3g}", -reach)
                                                          : format("{:.1f} %", 100 * reach),
                   range->loss);
  }
  return text;
}

}  // namespace onecycle
