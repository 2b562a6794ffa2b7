#pragma once

#include "cli/command.h"

#include <optional>

namespace onecycle {

DatasetDescriptor descriptor_of(const DataOptions& options, const Environment& environment);

// `onecycle data fetch NAME` and `onecycle data pack NAME|RECIPE`; they return the exit code.
int data_fetch(const CommandLine& line, const DataOptions& options, const Environment& environment);
// `targets`: what the recipe's task wants.
int data_pack(const CommandLine& line, const DataOptions& options, const Environment& environment,
              std::optional<TargetKind> targets);

}  // namespace onecycle
