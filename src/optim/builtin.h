#pragma once

#include "onecycle/optimizers.h"

namespace onecycle {

void add_sgd(OptimizerRegistry& registry);
void add_adamw(OptimizerRegistry& registry);
void add_muon(OptimizerRegistry& registry);

}  // namespace onecycle
