#pragma once

#include "onecycle/model.h"
#include "onecycle/registry.h"

#include <memory>

namespace onecycle {

// Makes the initialised model in fp32 on the CPU.
using ModelRegistry = Registry<std::shared_ptr<Model>(const Value& options, const ModelContext&)>;

ModelRegistry builtin_models();

}  // namespace onecycle
