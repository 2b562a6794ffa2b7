#pragma once

#include "onecycle/optimizer.h"
#include "onecycle/registry.h"

namespace onecycle {

using OptimizerRegistry = Registry<OptimizerPlan(const Value& options)>;

OptimizerRegistry builtin_optimizers();

}  // namespace onecycle
