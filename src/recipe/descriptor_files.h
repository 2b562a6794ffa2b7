#pragma once

#include "onecycle/datasets.h"
#include "onecycle/options.h"

#include <string>
#include <vector>

// What the descriptors of data sets and of weights have in common.
namespace onecycle {

// The file `name` of the first of `folders` that has it, or the path that it is. Throws FieldError
// at `field`, with the known names, where there is none; `what`: "data set".
std::string descriptor_path(const std::string& field, const std::string& what,
                            const std::string& name, const std::vector<std::string>& folders);

OptionTable<Download> download_options();

}  // namespace onecycle
