#pragma once

#include <string>

namespace onecycle {

// The folder of the data-set descriptors that came with this program: share/onecycle/datasets where
// it is installed (the engine being libexec/onecycle), otherwise that of the repository it was
// built from.
std::string shipped_datasets();

}  // namespace onecycle
