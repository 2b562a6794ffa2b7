#pragma once

#include "onecycle/error.h"

namespace onecycle {

// Throws FieldError for what is no share of a target: below 0, or 1 and more.
inline void check_label_smoothing(double share) {
  if (!(share >= 0 && share < 1))
    throw FieldError("train.label_smoothing", "must be at least 0 and below 1");
}

}  // namespace onecycle
