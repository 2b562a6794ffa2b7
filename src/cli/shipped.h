#pragma once

#include <string>

namespace onecycle {

// The folder of the data-set descriptors that came with this program: share/onecycle/datasets where
// it is installed (the engine being libexec/onecycle-cpu or -cuda), otherwise that of the
// repository it was built from.
std::string shipped_datasets();
// That of the descriptors of weights, likewise.
std::string shipped_weights();

// The file that a command's RECIPE means: the path itself or, where there is no such file and it is
// named as in the repository, recipes/NAME.yaml, the one that came with this program.
std::string recipe_file(const std::string& path);

}  // namespace onecycle
