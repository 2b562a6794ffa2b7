#pragma once

#include "cli/command.h"

namespace onecycle {

DatasetDescriptor descriptor_of(const DataOptions& options, const Registries& registries);

// `onecycle data fetch NAME` and `onecycle data pack NAME|RECIPE`; they return the exit code.
int data_fetch(const CommandLine& line, const DataOptions& options, const Registries& registries);
int data_pack(const CommandLine& line, const DataOptions& options, const Registries& registries);

}  // namespace onecycle
