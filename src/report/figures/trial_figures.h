#pragma once

#include "onecycle/report.h"

#include "core/text/json.h"

#include <vector>

namespace onecycle {

// The loss of a tuning's trials over the values tried, a figure a choice, from what tuning.json
// holds. A trial that is no value on the axis, like "as the recipe" or 0 beside a logarithm, is a
// dashed line; choices with fewer than two values are left out.
std::vector<Figure> trial_figures(const Json& tuning);

// Whether the choice took this trial.
bool is_chosen(const Json& trial);

}  // namespace onecycle
