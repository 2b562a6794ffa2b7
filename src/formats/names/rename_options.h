#pragma once

#include "onecycle/options.h"
#include "onecycle/weights.h"

namespace onecycle {

OptionTable<WeightsOptions> weights_options();

}  // namespace onecycle
