#pragma once

#include <string>

namespace onecycle {

// The repository, a file of the build folder, and the built program: those of the build, or of the
// bundle (tools/bundle) that ONECYCLE_ROOT names.
std::string source_dir();
std::string built(const std::string& path);
std::string program_path();

}  // namespace onecycle
