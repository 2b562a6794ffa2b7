#pragma once

#include "cli/command.h"

namespace onecycle {

DatasetDescriptor descriptor_of(const DataOptions& options, const Environment& environment);

// `onecycle data fetch NAME` and `onecycle data pack NAME|RECIPE`; they return the exit code.
int data_fetch(const CommandLine& line, const DataOptions& options, const Environment& environment);
int data_pack(const CommandLine& line, const DataOptions& options, const Environment& environment);

}  // namespace onecycle
