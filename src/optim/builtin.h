#pragma once

#include "onecycle/optimizer.h"

namespace onecycle {

void add_sgd(OptimizerRegistry& registry);

}  // namespace onecycle
