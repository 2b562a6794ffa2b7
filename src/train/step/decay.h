#pragma once

#include "onecycle/schedule.h"
#include "onecycle/update_rule.h"

#include <string>

namespace onecycle {

// What the weight decay of a whole run amounts to: its equivalents in the three modes, from
// lambda_decoupled = lambda_l2 / (1 - m) with m the run's mean momentum (the plain average's form
// has no such factor), lambda_independent = lambda_decoupled * lr_max; for the largest lambda of
// the run.
struct DecaySummary {
  double l2 = 0;
  double decoupled = 0;
  double independent = 0;
  double exponent =
      0;  // sum of lr_t lambda_decoupled: decay alone shrinks weights by exp(-exponent)
};

DecaySummary summarise_decay(const Schedule& schedule, const UpdateRule& rule, std::int64_t total);

// One line.
std::string decay_text(const Schedule& schedule, const UpdateRule& rule, std::int64_t total);

}  // namespace onecycle
