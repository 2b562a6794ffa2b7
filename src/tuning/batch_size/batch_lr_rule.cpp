#include "onecycle/batch_fit.h"

#include "core/text/format.h"

#include <cmath>

namespace onecycle {

double lr_factor(LrRule rule, std::int64_t before, std::int64_t after) {
  const double ratio = static_cast<double>(after) / static_cast<double>(before);
  switch (rule) {
    case LrRule::linear:
      return ratio;
    case LrRule::sqrt:
      return std::sqrt(ratio);
    case LrRule::none:
      break;
  }
  return 1;
}

std::string lr_rule_text(LrRule rule, std::int64_t before, std::int64_t after) {
  if (before == after) return format("the total batch stays {}, and the learning rate too", after);
  const std::string change = format("the total batch goes from {} to {}", before, after);
  if (rule == LrRule::none)
    return change + ": the learning rate is left alone; run the range test again";
  const char* formula = rule == LrRule::linear
                            ? "linear rule multiplies the learning rate by"
                            : "sqrt rule multiplies the learning rate by the root of";
  return format("{}: the {} {}/{} = {:.4g}", change, formula, after, before,
                lr_factor(rule, before, after));
}

}  // namespace onecycle
