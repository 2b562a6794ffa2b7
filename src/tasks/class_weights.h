#pragma once

#include "options/class_weights.h"

#include <cstdint>
#include <string>
#include <vector>

namespace onecycle {

// Of each class, scaled to a mean of 1 over the samples where counts are known. beta: of effective.
// Throws FieldError for a class that is not among the names, and where a rule lacks counts.
std::vector<double> class_weights(const ClassWeights& option, double beta,
                                  const std::vector<std::string>& names,
                                  const std::vector<std::int64_t>& counts);

}  // namespace onecycle
